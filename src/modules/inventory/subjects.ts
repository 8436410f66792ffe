import sql, { type Sql } from 'sql-template-tag';
import type { Principal } from '../../kernel/context.ts';
import type { Change } from '../../kernel/db/changes.ts';
import type { Transaction } from '../../kernel/db/transaction.ts';
import { notFound } from '../../kernel/errors.ts';
import { withFamily } from './gpus/store.ts';
import { visibleGpus } from './gpus/view.ts';
import { visibleNodes } from './nodes/collection.ts';

export type Health = 'ok' | 'warning' | 'failed' | 'unknown';

/** A GPU whose row this transaction has locked, for modules that decide about it. */
export interface GpuSubject {
  type: 'gpu';
  id: string;
  /** The physical GPU that it is a partition of; its own id where it is none. */
  rootGpuId: string;
  nodeId: string;
  providerId: string;
  health: Health;
  /** Its gates, as `kernel/gates.ts` names them. */
  blocks: number;
  /** Until when each verification level from 1 to 4 holds; null where it was never granted, or was lost. */
  levelsUntil: (Date | null)[];
}

/** A node whose row this transaction has locked. */
export interface NodeSubject {
  type: 'node';
  id: string;
  nodeId: string;
  providerId: string;
  health: Health;
}

/** What is new about a subject: columns of its row, and the event that says so. */
export interface Revision extends Pick<Change, 'type' | 'diff' | 'reason'> {
  /** Assignments to columns of `gpu_state` or `node`. */
  set: Sql;
}

/** Locks one GPU that the caller may see, with its family, whose gates go with its own. @throws 404 `gpu.not_found`. */
export async function lockGpu(tx: Transaction, principal: Principal, id: string): Promise<GpuSubject> {
  const row = await tx.row<Omit<GpuSubject, 'type'>>(sql`/* inventory:lock_gpu */
    WITH locked AS MATERIALIZED (
      SELECT s.* FROM inventory.gpu_state s
       WHERE s.gpu_id IN (${withFamily([id])}) AND ${visibleGpus(principal)} ORDER BY s.gpu_id FOR NO KEY UPDATE)
    SELECT s.gpu_id AS id, s.root_gpu_id, s.node_id, s.provider_id, s.health, s.blocks,
           ARRAY[s.level1_until, s.level2_until, s.level3_until, s.level4_until] AS levels_until
      FROM locked s WHERE s.gpu_id = ${id}`);
  if (!row) throw notFound('gpu');
  return { type: 'gpu', ...row };
}

/** Locks one node that the caller may see. @throws 404 `node.not_found`. */
export async function lockNode(tx: Transaction, principal: Principal, id: string): Promise<NodeSubject> {
  const row = await tx.row<Omit<NodeSubject, 'type'>>(sql`/* inventory:lock_one_node */
    SELECT n.id, n.id AS node_id, n.provider_id, n.health
      FROM inventory.node n WHERE n.id = ${id} AND ${visibleNodes(principal)} FOR NO KEY UPDATE`);
  if (!row) throw notFound('node');
  return { type: 'node', ...row };
}

/** What a revision has to know of its subject. */
type Revised = Pick<GpuSubject | NodeSubject, 'type' | 'id' | 'nodeId' | 'providerId'>;

const update = ({ type, id }: Revised, set: Sql): Sql => {
  const next = sql`${set}, version = version + 1, updated_at = inventory.moment_after(updated_at)`;
  return type === 'gpu'
    ? sql`/* inventory:revise_gpu */ UPDATE inventory.gpu_state SET ${next} WHERE gpu_id = ${id} RETURNING version`
    : sql`/* inventory:revise_node */ UPDATE inventory.node SET ${next} WHERE id = ${id} RETURNING version`;
};

/** Makes the next version of a locked subject, with its one change row. */
export async function revise(
  tx: Transaction,
  subject: Revised,
  { set, type, diff = {}, reason = null }: Revision,
): Promise<void> {
  const { version } = (await tx.row<{ version: number }>(update(subject, set))) as { version: number };
  const { id, nodeId, providerId } = subject;
  await tx.record({
    type,
    subject: { type: subject.type, id },
    version,
    diff,
    reason,
    providerId,
    nodeId,
  });
  tx.invalidate(`${subject.type}s`, `${subject.type}:${id}`, `node:${nodeId}`, `provider:${providerId}`);
}
