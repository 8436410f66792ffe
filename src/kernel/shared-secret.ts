import { randomBytes } from 'node:crypto';
import sql from 'sql-template-tag';
import type { Database } from './db/database.ts';

/**
 * A random secret that all replicas share, made by whichever asks first. It signs what we hand out and take back
 * (cursors); with the database gone it is worth nothing.
 */
export async function sharedSecret(db: Database, name: string): Promise<Buffer> {
  await db.execute(sql`/* core:make_secret */
    INSERT INTO inventory.service_secret (name, value) VALUES (${name}, ${randomBytes(32)}) ON CONFLICT DO NOTHING`);
  const row = await db.row<{ value: Buffer }>(
    sql`SELECT value FROM inventory.service_secret WHERE name = ${name}`,
  );
  if (!row) throw new Error(`The shared secret ${name} is gone.`);
  return row.value;
}
