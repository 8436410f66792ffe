import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Logger } from 'pino';
import sql from 'sql-template-tag';
import type { Database } from '../../kernel/db/database.ts';
import { newId } from '../../kernel/ids.ts';
import { digestOf, generateKey, hintOf, lookupOf } from './api-key.ts';

interface Options {
  db: Database;
  log: Logger;
  announce: (text: string) => void;
  pepper: string;
  dataDir: string;
  operatorApiKey: string | null;
}

/**
 * Sees to it that an operator can get in: the key of `OPERATOR_API_KEY`, or one that is made at the first start,
 * printed once and kept in `$DATA_DIR/operator.key` (mode 0600), the only place where a key stays readable.
 */
export async function ensureOperatorKey(options: Options): Promise<void> {
  if (options.operatorApiKey) return adoptEnvironmentKey(options, options.operatorApiKey);
  const file = join(options.dataDir, 'operator.key');
  const kept = (await readFile(file, 'utf8').catch(() => '')).trim();
  const key = kept || generateKey('live');
  // First the file: were it the other way round, a crash in between would leave a key that nobody knows.
  if (!kept) await keep(file, key);
  if (await insertKey(options, key, 'bootstrap')) {
    options.announce(`\n  Operator API key (shown once, kept in ${file}):\n\n    ${key}\n\n`);
    options.log.info({ file }, 'operator key ready');
  } else if (!kept) await rm(file);
}

async function keep(file: string, key: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${key}\n`, { mode: 0o600, flag: 'wx' });
}

/** A new value takes the place of an earlier one, which stops working, and never works again. */
async function adoptEnvironmentKey(options: Options, key: string): Promise<void> {
  await insertKey(options, key, 'environment');
  await options.db.write({ worker: 'bootstrap' }, async (tx) => {
    const replaced = await tx.rows<{ id: string; version: number }>(sql`/* access:replace_environment_key */
      UPDATE inventory.api_key SET revoked_at = inventory.moment_after(updated_at),
             updated_at = inventory.moment_after(updated_at), version = version + 1
       WHERE origin = 'environment' AND revoked_at IS NULL AND lookup <> ${lookupOf(key)}
      RETURNING id, version`);
    await tx.record(
      ...replaced.map(({ id, version }) => ({
        type: 'api_key.revoked',
        subject: { type: 'api_key', id },
        version,
        reason: 'OPERATOR_API_KEY has another value',
      })),
    );
  });
  const revoked = await options.db.row(
    sql`SELECT FROM inventory.api_key WHERE lookup = ${lookupOf(key)} AND revoked_at IS NOT NULL`,
  );
  if (revoked) options.log.warn('OPERATOR_API_KEY was revoked: give it a new value');
}

/** False where the key, or for a first key any other, is there already: two replicas may start at once. */
const insertKey = (
  { db, pepper }: Options,
  key: string,
  origin: 'bootstrap' | 'environment',
): Promise<boolean> =>
  db.write({ worker: 'bootstrap' }, async (tx) => {
    const [id, lookup] = [newId(), lookupOf(key)];
    if (lookup === null) throw new Error('The operator key is mistyped: its checksum is wrong.');
    const inserted = await tx.execute(sql`/* access:bootstrap_key */
      INSERT INTO inventory.api_key (id, lookup, digest, hint, name, role, origin)
      VALUES (${id}, ${lookup}, ${digestOf(key, pepper)}, ${hintOf(key)}, 'operator', 'operator', ${origin})
      ON CONFLICT DO NOTHING`);
    if (inserted === 0) return false;
    await tx.record({
      type: 'api_key.created',
      subject: { type: 'api_key', id },
      version: 1,
      reason: origin,
    });
    return true;
  });
