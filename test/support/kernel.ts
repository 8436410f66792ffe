import { createHash } from 'node:crypto';
import { pino } from 'pino';
import sql from 'sql-template-tag';
import type { IdempotencyRequest, Principal } from '../../src/kernel/context.ts';
import { Database, type Writer } from '../../src/kernel/db/database.ts';
import { createPool } from '../../src/kernel/db/pool.ts';
import type { Transaction } from '../../src/kernel/db/transaction.ts';
import { newId } from '../../src/kernel/ids.ts';

const log = pino({ level: 'silent' });

/** The kernel's database as the service has it, with a small pool. */
export const openDatabase = (url: string, max = 4, name = 'test'): Database =>
  new Database({ pool: createPool({ url, max, name, log }), log });

const nobody = { providerId: null, nodeId: null, tenantId: null, scopes: [] };
export const operator: Principal = { ...nobody, keyId: newId(), role: 'operator' };

/** A request of `principal`, with an Idempotency-Key where one is given. */
export const requestOf = (
  principal: Principal = operator,
  idempotency: IdempotencyRequest | null = null,
) => ({
  principal,
  requestId: newId(),
  idempotency,
});

export const tenantOf = (tenantId: string): Principal => ({ ...operator, role: 'tenant', tenantId });

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();

/** A prepared Idempotency-Key: the same `key` and `body` make the same one. */
export const keyed = (key: string, body = '', secret = ''): IdempotencyRequest => ({
  id: sha256(key),
  fingerprint: sha256(body),
  sealKey: sha256(`${key} ${body} ${secret}`),
  replayed: false,
});

export const asWorker: Writer = { worker: 'test' };

/** The smallest write with an effect: a tenant and its change row. */
export async function addTenant(tx: Transaction, name: string): Promise<{ id: string; name: string }> {
  const id = newId();
  await tx.execute(sql`INSERT INTO inventory.tenant (id, name) VALUES (${id}, ${name})`);
  await tx.record({ type: 'tenant.created', subject: { type: 'tenant', id }, version: 1 });
  tx.invalidate(`tenant:${id}`);
  return { id, name };
}
