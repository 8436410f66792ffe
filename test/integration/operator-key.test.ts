import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import type { Database } from '../../src/kernel/db/database.ts';
import { digestOf, generateKey } from '../../src/modules/access/api-key.ts';
import { Authenticator } from '../../src/modules/access/authenticator.ts';
import { ensureOperatorKey } from '../../src/modules/access/bootstrap.ts';
import { createDatabase, type TestDatabase, withClient } from '../support/database.ts';
import { openDatabase } from '../support/kernel.ts';

let server: TestDatabase;
let db: Database;
let dataDir: string;
let said: string[];
let warnings: string[];

beforeEach(async () => {
  server = await createDatabase();
  db = openDatabase(server.url);
  dataDir = await mkdtemp(join(tmpdir(), 'inv-key-'));
  [said, warnings] = [[], []];
});
afterEach(async () => {
  await db.close();
  await server.drop();
  await rm(dataDir, { recursive: true, force: true });
});

const start = (operatorApiKey: string | null = null, folder = dataDir): Promise<void> =>
  ensureOperatorKey({
    db,
    log: pino({ level: 'warn' }, { write: (line: string) => warnings.push(line) }),
    announce: (text) => said.push(text),
    pepper: 'pepper',
    dataDir: folder,
    operatorApiKey,
  });

const fileIn = (folder: string) => join(folder, 'operator.key');

/** `operator` for a key that works, else why it does not. */
const roleOf = (key: string): Promise<string> =>
  new Authenticator({ db, pepper: 'pepper', clock: { now: () => 0 } }).authenticate(key).then(
    ({ role }) => role,
    ({ code }) => code,
  );

describe('the first start', () => {
  it('makes a key, says it once and keeps it for its owner alone', async () => {
    const folder = join(dataDir, 'not', 'there', 'yet');
    await start(null, folder);
    const kept = await readFile(fileIn(folder), 'utf8');
    const key = kept.trim();
    expect(kept).toBe(`${key}\n`);
    expect((await stat(fileIn(folder))).mode & 0o777).toBe(0o600);
    expect(await roleOf(key)).toBe('operator');
    await start(null, folder);
    expect(said).toEqual([expect.stringContaining(key)]);
    expect(await readFile(fileIn(folder), 'utf8')).toBe(kept);
  });

  it('that cannot keep its key makes none', async () => {
    await writeFile(join(dataDir, 'file'), '');
    await expect(start(null, join(dataDir, 'file'))).rejects.toThrow('EEXIST');
    await start();
    expect(await roleOf((await readFile(fileIn(dataDir), 'utf8')).trim())).toBe('operator');
  });

  it('that died before its key was stored is taken up by the next', async () => {
    const key = generateKey('live');
    await writeFile(fileIn(dataDir), `${key}\n`, { mode: 0o600 });
    await start();
    expect(await roleOf(key)).toBe('operator');
  });

  it('refuses a kept key that was damaged', async () => {
    await writeFile(fileIn(dataDir), `${generateKey('live').slice(0, -6)}000000\n`);
    await expect(start()).rejects.toThrow('its checksum is wrong');
  });

  it('of two replicas at once makes one key, and leaves none that does not work', async () => {
    const folders = await Promise.all([0, 1].map(() => mkdtemp(join(dataDir, 'replica-'))));
    await Promise.all(folders.map((folder) => start(null, folder)));
    const keys = await Promise.all(
      folders.map((folder) => readFile(fileIn(folder), 'utf8').catch(() => null)),
    );
    const [key, ...others] = keys.filter((kept) => kept !== null);
    expect([said.length, others]).toEqual([1, []]);
    expect(await roleOf(key?.trim() ?? '')).toBe('operator');
  });
});

describe('OPERATOR_API_KEY', () => {
  const first = 'an-operator-key-of-somebody-0123456789';
  const second = 'dpi_live_a-key-of-their-own-0123456789';

  it('works whatever it looks like, and leaves no file', async () => {
    for (const key of [first, second]) {
      await start(key);
      expect(await roleOf(key)).toBe('operator');
    }
    await expect(readFile(fileIn(dataDir))).rejects.toThrow('ENOENT');
    expect(said).toEqual([]);
  });

  it('takes the place of the value before, and of that for good', async () => {
    await start(first);
    await start(first);
    await start(second);
    expect([await roleOf(first), await roleOf(second)]).toEqual(['auth.key_revoked', 'operator']);
    expect(warnings).toEqual([]);
    await start(first);
    expect(await roleOf(first)).toBe('auth.key_revoked');
    expect(warnings).toEqual([expect.stringContaining('OPERATOR_API_KEY was revoked')]);
  });

  it('that is a mistyped key of ours is refused', async () => {
    await expect(start(`${generateKey('live').slice(0, -6)}000000`)).rejects.toThrow('its checksum is wrong');
  });

  it('is recorded when it comes and when it goes', async () => {
    await start(first);
    await start(second);
    const { rows } = await withClient(server.ownerUrl, (owner) =>
      owner.query('SELECT type, version::int, actor_id, reason FROM inventory.change ORDER BY id'),
    );
    const made = { type: 'api_key.created', version: 1, actor_id: 'bootstrap', reason: 'environment' };
    const gone = { type: 'api_key.revoked', version: 2, actor_id: 'bootstrap' };
    expect(rows).toEqual([made, made, { ...gone, reason: 'OPERATOR_API_KEY has another value' }]);
  });

  it('is stored as a keyed hash', async () => {
    await start(first);
    const { rows } = await withClient(server.ownerUrl, (owner) =>
      owner.query('SELECT digest, k::text AS row FROM inventory.api_key k'),
    );
    expect(rows[0].digest).toEqual(digestOf(first, 'pepper'));
    expect(rows[0].row).not.toContain(first);
  });
});
