import type { Sql } from 'sql-template-tag';
import { notFound } from '../errors.ts';
import { assertVersion, type IfMatch } from '../http/etag.ts';
import { mergePatch } from '../http/merge-patch.ts';
import { type Change, diffOf } from './changes.ts';
import type { Transaction } from './transaction.ts';

interface Versioned {
  id: string;
  version: number;
}

interface Patch<Row extends Versioned> {
  /** Its name in errors and events: `provider` → `provider.not_found`, `provider.updated`. */
  resource: string;
  /** Selects the row as the API shows it, if the caller may see it, FOR NO KEY UPDATE. */
  lock: Sql;
  ifMatch: IfMatch | null;
  /** The merge patch, already valid by its schema. */
  patch: object;
  /** Why, in the caller's words. */
  reason?: string | undefined;
  /** Checks what no schema can, before anything is written. */
  check?(next: Row, before: Row): void;
  /** Updates the row to `next`, its version to one more, and returns it as the API shows it. */
  update(next: Row): Sql;
  /** Whom the change concerns. */
  scope?(row: Row): Pick<Change, 'providerId' | 'nodeId' | 'tenantId'>;
}

/**
 * PATCH of one versioned row, the same for every resource: lock, compare the version, merge, update, record.
 * A patch that changes nothing makes no version and no event.
 */
export async function patchRow<Row extends Versioned>(tx: Transaction, options: Patch<Row>): Promise<Row> {
  const before = await tx.row<Row>(options.lock);
  if (!before) throw notFound(options.resource);
  assertVersion(options.ifMatch, before.version);
  const next = mergePatch(before, options.patch);
  options.check?.(next, before);
  if (Object.keys(diffOf(before, next).after).length === 0) return before;
  const after = (await tx.row<Row>(options.update(next))) as Row;
  await tx.record({
    type: `${options.resource}.updated`,
    subject: { type: options.resource, id: after.id },
    version: after.version,
    diff: diffOf(before, after),
    reason: options.reason ?? null,
    ...options.scope?.(after),
  });
  return after;
}
