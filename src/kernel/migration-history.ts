import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ClientBase, Pool } from 'pg';

/** `prisma/migrations` of this package, seen from `src/kernel` as from `dist/kernel`. */
const packaged = fileURLToPath(new URL('../../prisma/migrations', import.meta.url));

export interface MigrationFile {
  name: string;
  sql: string;
  /** SHA-256 of the file in hex, as Prisma writes it. */
  checksum: string;
  /** What undoes it: `down.sql` beside `migration.sql`, where there is one. */
  down: string | null;
}

export interface InvalidMigration {
  name: string;
  /** edited: the applied file has another checksum; missing: applied, but no such file; failed: begun, not finished. */
  problem: 'edited' | 'missing' | 'failed';
}

/** Names in the order of application. A failed one is pending as well: `up` runs it again. */
export interface MigrationState {
  applied: string[];
  pending: string[];
  invalid: InvalidMigration[];
}

interface AppliedMigration {
  name: string;
  checksum: string;
  finished: boolean;
}

async function readDown(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** The migrations of `folder` (the package's own by default) in the order of their names. */
export async function readMigrations(folder = packaged): Promise<MigrationFile[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const read = async (name: string): Promise<MigrationFile> => {
    const sql = await readFile(join(folder, name, 'migration.sql'), 'utf8');
    const checksum = createHash('sha256').update(sql).digest('hex');
    return { name, sql, checksum, down: await readDown(join(folder, name, 'down.sql')) };
  };
  return Promise.all(names.sort().map(read));
}

async function readApplied(db: ClientBase | Pool): Promise<AppliedMigration[]> {
  const { rows: found } = await db.query(
    `SELECT to_regclass('public._prisma_migrations') IS NOT NULL AS yes`,
  );
  if (!found[0]?.yes) return [];
  const { rows } = await db.query<AppliedMigration>(
    `SELECT migration_name AS name, checksum, finished_at IS NOT NULL AS finished
     FROM public._prisma_migrations WHERE rolled_back_at IS NULL ORDER BY migration_name`,
  );
  return rows;
}

function compare(files: MigrationFile[], rows: AppliedMigration[]): MigrationState {
  const checksums = new Map(files.map((file) => [file.name, file.checksum]));
  const applied = rows.filter((row) => row.finished).map((row) => row.name);
  const pending = files.map((file) => file.name).filter((name) => !applied.includes(name));
  const invalid = rows.flatMap(({ name, checksum, finished }): InvalidMigration[] => {
    const expected = checksums.get(name);
    if (expected === undefined) return [{ name, problem: 'missing' }];
    if (!finished) return [{ name, problem: 'failed' }];
    return expected === checksum ? [] : [{ name, problem: 'edited' }];
  });
  return { applied, pending, invalid };
}

/** What the database says of the migrations in `folder`; reads only, and any role may ask that can read the table. */
export async function migrationState(db: ClientBase | Pool, folder?: string): Promise<MigrationState> {
  return compare(await readMigrations(folder), await readApplied(db));
}
