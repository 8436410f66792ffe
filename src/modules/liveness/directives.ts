import sql from 'sql-template-tag';
import type { Queryable } from '../../kernel/db/transaction.ts';
import type { Directive } from './schemas.ts';

/** What one node is asked to do. */
export interface Order {
  nodeId: string;
  directive: Directive;
}

/** Tells all orders that stand at this moment. */
export type OrderSource = (db: Queryable) => Promise<Order[]>;

const draining: OrderSource = async (db) => {
  const nodes = await db.rows<{ nodeId: string; deadlineAt: Date | null }>(sql`/* liveness:draining_nodes */
    SELECT n.id AS node_id, n.drain_deadline_at AS deadline_at FROM inventory.node n
     WHERE n.eligibility = 'draining' AND n.deleted_at IS NULL`);
  return nodes.map(({ nodeId, deadlineAt }) => ({
    nodeId,
    directive: { type: 'drain', deadlineAt: deadlineAt?.toISOString() ?? null },
  }));
};

const none: readonly Directive[] = [];

/**
 * What nodes are asked to do, kept in the process and refreshed by a worker: a heartbeat must not cost a statement more
 * for it. An order is told with every heartbeat while it stands, so that one which gets lost, or comes from a replica
 * that has not heard of it yet, is told again; agents follow it as often as they like.
 */
export class Directives {
  readonly #sources: OrderSource[] = [draining];
  #byNode: ReadonlyMap<string, readonly Directive[]> = new Map();

  /** Adds a module that has something to ask of nodes. */
  connect(source: OrderSource): void {
    this.#sources.push(source);
  }

  of(nodeId: string): readonly Directive[] {
    return this.#byNode.get(nodeId) ?? none;
  }

  async refresh(db: Queryable): Promise<void> {
    const orders = await Promise.all(this.#sources.map((source) => source(db)));
    const byNode = new Map<string, Directive[]>();
    for (const { nodeId, directive } of orders.flat()) {
      byNode.set(nodeId, [...(byNode.get(nodeId) ?? []), directive]);
    }
    this.#byNode = byNode;
  }
}
