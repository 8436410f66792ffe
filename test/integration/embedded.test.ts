import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type EmbeddedDatabase, startEmbedded } from '../../src/kernel/db/embedded.ts';
import { withClient } from '../support/database.ts';
import { startScript } from '../support/run-typescript.ts';

const log = { warn: () => {}, error: () => {} };

let home: string;
let dataDir: string;
let initialised: string;
const running: EmbeddedDatabase[] = [];

function makeHome(): string {
  const folder = mkdtempSync(join(tmpdir(), 'inv-embedded-'));
  chmodSync(folder, 0o755);
  return folder;
}

/** Most tests begin with a copy of one stopped server: making one from nothing takes far longer. */
beforeAll(async () => {
  initialised = makeHome();
  const database = await startEmbedded({ dataDir: initialised, log });
  await database.stop();
});
afterAll(() => rmSync(initialised, { recursive: true }));

beforeEach(() => {
  home = makeHome();
  dataDir = join(home, 'data');
  execFileSync('cp', ['-a', initialised, dataDir]);
});
afterEach(async () => {
  for (const database of running.splice(0)) {
    await database.stop();
    rmSync(database.folder, { recursive: true });
  }
  rmSync(home, { recursive: true });
});

async function start(folder = dataDir, attach = false): Promise<EmbeddedDatabase> {
  const database = await startEmbedded({ dataDir: folder, log, attach });
  running.push(database);
  return database;
}

async function value(url: string, query: string): Promise<unknown> {
  const { rows } = await withClient(url, (client) => client.query({ text: query, rowMode: 'array' }));
  return rows[0]?.[0];
}

const postmasterPid = ({ folder }: EmbeddedDatabase): number =>
  Number.parseInt(readFileSync(join(folder, 'postmaster.pid'), 'utf8'), 10);

/** A process that starts the server in `dataDir`, writes something and is killed: its server stays behind. */
async function killedOwner(): Promise<void> {
  const owner = startScript(
    `const { startEmbedded } = await import('./src/kernel/db/embedded.ts');
     const { default: pg } = await import('pg');
     const log = { warn() {}, error() {} };
     const { ownerUrl } = await startEmbedded({ dataDir: process.argv[1], log });
     const client = new pg.Client({ connectionString: ownerUrl });
     await client.connect();
     await client.query('CREATE TABLE kept AS SELECT 42 AS answer');
     console.log('ready');`,
    [dataDir],
  );
  if (!owner.stdout) throw new Error('the child has no output');
  await once(createInterface(owner.stdout), 'line');
  owner.kill('SIGKILL');
  await once(owner, 'exit');
}

describe('startEmbedded', () => {
  it('makes a server whose service is bound by limits and rights, behind passwords nobody else can read', async () => {
    const { url, ownerUrl } = await start();
    expect(await value(url, 'SELECT current_user')).toBe('inv_app');
    expect(
      await value(
        url,
        `SELECT rolsuper OR rolbypassrls OR rolcreaterole FROM pg_roles WHERE rolname = 'inv_app'`,
      ),
    ).toBe(false);
    expect(await value(url, 'SHOW statement_timeout')).toBe('2500ms');
    expect(await value(url, 'SHOW transaction_timeout')).toBe('5s');
    await expect(value(url, 'CREATE TABLE public.mine ()')).rejects.toThrow('permission denied');
    await expect(value(url.replace(/:[0-9a-f]+@/, ':wrong@'), 'SELECT 1')).rejects.toThrow('password');

    expect(await value(ownerUrl, 'SELECT current_user')).toBe('postgres');
    expect(await value(ownerUrl, 'SHOW data_checksums')).toBe('on');
    expect(await value(ownerUrl, 'SHOW listen_addresses')).toBe('127.0.0.1');
    expect(await value(ownerUrl, `SELECT lower('ÄÖ')`)).toBe('äö');
    expect(statSync(join(dataDir, 'postgres-passwords.json')).mode & 0o777).toBe(0o600);
  });

  it('keeps data and passwords from one start to the next', async () => {
    const first = await start();
    await value(first.ownerUrl, 'CREATE TABLE kept AS SELECT 42 AS answer');
    await first.stop();
    running.pop();
    const second = await start();
    expect(await value(second.ownerUrl, 'SELECT answer FROM kept')).toBe(42);
  });

  it('takes over the server that a killed process left running', async () => {
    await killedOwner();
    const database = await start();
    expect(await value(database.ownerUrl, 'SELECT answer FROM kept')).toBe(42);
  });

  it('starts over the PID file of a killed server, even where its number is another process by now', async () => {
    const neighbour = await start(join(home, 'other'));
    await killedOwner();
    const file = join(dataDir, 'postgres/postmaster.pid');
    const [pid, ...rest] = readFileSync(file, 'utf8').split('\n');
    process.kill(Number(pid), 'SIGKILL');
    writeFileSync(file, [postmasterPid(neighbour), ...rest].join('\n'));
    const database = await start();
    expect(await value(database.ownerUrl, 'SELECT answer FROM kept')).toBe(42);
  });

  it('brings a server that was killed back, on its old port', async () => {
    const database = await start();
    await withClient(database.ownerUrl, async (client) => {
      const ended = new Promise((resolve) => client.on('error', resolve));
      process.kill(postmasterPid(database), 'SIGKILL');
      await ended;
    });
    const reached = () => value(database.url, 'SELECT 1').catch(() => null);
    while ((await reached()) !== 1) {}
    expect(await value(database.url, 'SELECT 1')).toBe(1);
  });

  it('runs beside a second one that has a folder of its own', async () => {
    const [first, second] = await Promise.all([start(), start(join(home, 'other'))]);
    expect(await value(first.url, 'SHOW port')).not.toBe(await value(second.url, 'SHOW port'));
  });

  it('refuses a folder whose server belongs to another instance, and lets a command use it', async () => {
    const owner = await start();
    await expect(start()).rejects.toThrow(`DATA_DIR ${dataDir} belongs to another running instance`);
    const command = await startEmbedded({ dataDir, log, attach: true });
    expect(command.url).toBe(owner.url);
    await command.stop();
    expect(await value(owner.url, 'SELECT 1')).toBe(1);
  });

  it('works in a folder that only its owner can enter', async () => {
    chmodSync(home, 0o700);
    const { url } = await start(join(home, 'fresh'));
    expect(await value(url, 'SELECT 1')).toBe(1);
  });

  it('says what is wrong with a folder that it cannot use', async () => {
    const file = join(home, 'file');
    writeFileSync(file, '');
    await expect(start(join(file, 'data'))).rejects.toThrow(`DATA_DIR ${file}/data cannot be used: ENOTDIR`);
    rmSync(join(dataDir, 'postgres-passwords.json'));
    await expect(start()).rejects.toThrow('postgres-passwords.json is missing');
  });
});
