import type { Sql } from 'sql-template-tag';
import type { Transaction } from '../../kernel/db/transaction.ts';
import { type Move, recordMoves } from './moves.ts';
import type { LivenessPorts } from './ports.ts';
import { findNodes, lockNodes, settleNodes, type TurnedRow, turnNodes } from './queries.ts';

/** Some nodes, what they become, and why. */
export interface Turn {
  due: Sql;
  liveness: 'late' | 'offline' | 'unknown';
  reason: string;
  limit: number;
}

/** Turns the nodes that are due, passing over those that somebody else has locked. Returns the ones that turned. */
export async function turn(
  tx: Transaction,
  at: string,
  { due, liveness, reason, limit }: Turn,
  ports: LivenessPorts,
): Promise<string[]> {
  const ids = await lockDue(tx, due, limit);
  const turned = await tx.rows<TurnedRow>(turnNodes(ids, due, { liveness, reason, at }));
  await recordMoves(tx, turned.map(moveOf), reason, ports);
  return turned.map(({ nodeId }) => nodeId);
}

/** Lets nodes that flap no more take work again. */
export async function settle(tx: Transaction, due: Sql, limit: number, ports: LivenessPorts): Promise<void> {
  const ids = await lockDue(tx, due, limit);
  const settled = await tx.rows<TurnedRow>(settleNodes(ids, due));
  const moves = settled.map(moveOf).map((move) => ({ ...move, before: { ...move.before, flapping: true } }));
  await recordMoves(tx, moves, 'stable', ports);
}

async function lockDue(tx: Transaction, due: Sql, limit: number): Promise<string[]> {
  const found = await tx.rows<{ nodeId: string }>(findNodes(due, limit));
  const locked = await tx.rows<{ id: string }>(
    lockNodes(
      found.map(({ nodeId }) => nodeId),
      true,
    ),
  );
  return locked.map(({ id }) => id);
}

const moveOf = ({ nodeId, status, flapping, ...row }: TurnedRow): Move => ({
  nodeId,
  before: { liveness: row.livenessBefore, livenessReason: row.reasonBefore, status, flapping },
  after: { liveness: row.liveness, livenessReason: row.reason, status, flapping },
});
