import sql, { type Sql } from 'sql-template-tag';
import type { Queryable, Transaction } from '../../../kernel/db/transaction.ts';
import { newId } from '../../../kernel/ids.ts';

/** A time that the breaker tripped, and was not released yet. */
export interface Trip {
  id: string;
  trippedAt: Date;
  /** How many nodes became unknown, of how many that were online or late, and how many still are. */
  nodes: number;
  watched: number;
  unheard: number;
  version: number;
}

/** None, as a rule; only while there are some their nodes are counted. */
export const openTrips = (db: Queryable): Promise<Trip[]> =>
  db.rows<Trip>(sql`/* liveness:open_trips */
    SELECT t.id, t.tripped_at, t.nodes, t.watched, t.version,
           (SELECT count(*) FROM inventory.node_heartbeat h WHERE h.breaker_id = t.id) AS unheard
      FROM inventory.breaker_trip t WHERE t.released_at IS NULL ORDER BY t.tripped_at, t.id`);

/**
 * Holds all nodes that are due (a condition on `node_heartbeat h`) back from judgement, by one narrow statement however
 * many they are, and tells it by one event. Returns how many that were.
 */
export async function tripBreaker(tx: Transaction, due: Sql, watched: number, at: string): Promise<number> {
  const id = newId();
  const trip = await tx.row<{ nodes: number }>(sql`/* liveness:trip_breaker */
    WITH due AS (
      SELECT h.node_id FROM inventory.node_heartbeat h WHERE ${due} ORDER BY h.node_id FOR NO KEY UPDATE
    ), held AS (
      UPDATE inventory.node_heartbeat h SET breaker_id = ${id}::uuid FROM due WHERE h.node_id = due.node_id
      RETURNING h.node_id
    )
    INSERT INTO inventory.breaker_trip (id, nodes, watched, tripped_at)
    SELECT ${id}::uuid, count(*), ${watched}::integer, ${at}::timestamptz FROM held HAVING count(*) > 0 RETURNING nodes`);
  if (!trip) return 0;
  const { nodes } = trip;
  await tx.record({
    type: 'breaker.tripped',
    subject: { type: 'breaker', id },
    version: 1,
    diff: { after: { nodes, watched } },
    reason: 'mass_expiry',
  });
  return nodes;
}

/**
 * Ends what a trip held back: its nodes get one more window to be heard in, and are then judged as usual. Of any
 * number that release one trip at once, one does. Returns the nodes that had not been heard.
 */
export async function releaseTrip(
  tx: Transaction,
  { id }: Trip,
  { reason, at, windowMs }: { reason: string; at: string; windowMs: number },
): Promise<number> {
  const released = await tx.row<{ version: number }>(sql`/* liveness:release_trip */
    UPDATE inventory.breaker_trip SET released_at = ${at}::timestamptz, release_reason = ${reason}, version = version + 1
     WHERE id = ${id} AND released_at IS NULL RETURNING version`);
  if (!released) return 0;
  const unheard = await tx.execute(sql`/* liveness:release_nodes */
    WITH held AS (
      SELECT node_id FROM inventory.node_heartbeat WHERE breaker_id = ${id} ORDER BY node_id FOR NO KEY UPDATE
    )
    UPDATE inventory.node_heartbeat h
       SET breaker_id = NULL, deadline_at = ${at}::timestamptz + ${windowMs}::double precision * interval '1 millisecond'
      FROM held WHERE h.node_id = held.node_id AND h.breaker_id = ${id}`);
  await tx.record({
    type: 'breaker.released',
    subject: { type: 'breaker', id },
    version: released.version,
    diff: { after: { unheard } },
    reason,
  });
  return unheard;
}
