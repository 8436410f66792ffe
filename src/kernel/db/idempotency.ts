import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import sql from 'sql-template-tag';
import type { IdempotencyRequest } from '../context.ts';
import { AppError } from '../errors.ts';
import { isLockTimeout } from './errors.ts';
import type { Queryable } from './transaction.ts';

const inProgress = () =>
  new AppError(409, 'idempotency.in_progress', 'A request with this Idempotency-Key is being served.', {
    headers: { 'retry-after': '1' },
  });

const keyReused = () =>
  new AppError(422, 'idempotency.key_reused', 'This Idempotency-Key was used with another request.');

/**
 * Claims the key as the first statement of the write's own transaction, so that a rollback frees it and a twin waits
 * on its row (at most `lock_timeout`). Returns the stored reply of an earlier, committed request, else undefined.
 */
export async function claimKey(tx: Queryable, request: IdempotencyRequest): Promise<unknown> {
  const inserted = await tx
    .execute(sql`/* core:claim_idempotency_key */
      INSERT INTO inventory.idempotency_key (id, fingerprint) VALUES (${request.id}, ${request.fingerprint})
      ON CONFLICT (id) DO UPDATE SET fingerprint = excluded.fingerprint, reply = NULL, created_at = clock_timestamp()
        WHERE idempotency_key.created_at < clock_timestamp() - interval '24 hours'`)
    .catch((error: unknown) => {
      throw isLockTimeout(error) ? inProgress() : error;
    });
  if (inserted > 0) return undefined;
  const [row] = await tx.rows<{ fingerprint: Buffer; reply: Buffer | null }>(
    sql`SELECT fingerprint, reply FROM inventory.idempotency_key WHERE id = ${request.id}`,
  );
  if (!row?.reply) throw inProgress();
  if (!row.fingerprint.equals(request.fingerprint)) throw keyReused();
  request.replayed = true;
  return unseal(row.reply, request.sealKey);
}

export async function storeReply(tx: Queryable, request: IdempotencyRequest, reply: unknown): Promise<void> {
  await tx.execute(sql`/* core:store_idempotent_reply */
    UPDATE inventory.idempotency_key SET reply = ${seal(reply, request.sealKey)} WHERE id = ${request.id}`);
}

/** AES-256-GCM: a reply may hold a secret that is shown once, and a dump of the table must not show it again. */
function seal(reply: unknown, key: Buffer): Buffer {
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  const sealed = Buffer.concat([cipher.update(JSON.stringify(reply ?? null)), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), sealed]);
}

function unseal(sealed: Buffer, key: Buffer): unknown {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12));
  decipher.setAuthTag(sealed.subarray(12, 28));
  try {
    return JSON.parse(
      Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]).toString('utf8'),
    );
  } catch (cause) {
    throw new AppError(422, 'idempotency.key_reused', 'This Idempotency-Key was used with another API key.', {
      cause,
    });
  }
}

/**
 * Requests with one key in this process queue up before they take a connection: a storm of twins costs one.
 * A twin waits up to `limitMs` for the first, then finds out by the row.
 */
export class Twins {
  readonly #running = new Map<string, Promise<void>>();

  async run<T>(request: IdempotencyRequest, limitMs: number, work: () => Promise<T>): Promise<T> {
    const id = request.id.toString('hex');
    const deadline = Date.now() + limitMs;
    for (let first = this.#running.get(id); first; first = this.#running.get(id)) {
      if (!(await settledBy(first, deadline))) throw inProgress();
    }
    const mine = work();
    const settled = mine.then(
      () => {},
      () => {},
    );
    this.#running.set(id, settled);
    try {
      return await mine;
    } finally {
      this.#running.delete(id);
    }
  }
}

async function settledBy(promise: Promise<void>, deadline: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), Math.max(0, deadline - Date.now()));
  });
  const inTime = await Promise.race([promise.then(() => true), late]);
  clearTimeout(timer);
  return inTime;
}
