import sql, { type Sql } from 'sql-template-tag';

export const objectiveNames = ['cheapest', 'best_fit', 'most_reliable', 'spread'] as const;
export type Objective = (typeof objectiveNames)[number];

/** What a GPU costs in one respect, an integer: smaller is better, unknown is worst. */
export interface Aspect {
  /** Over the rows `p` of `counted`. */
  value: Sql;
  /** The column of `pool` that it reads, over `gpu_state s`; null where the GPU's own row does not tell. */
  own: Sql | null;
}

/** In the expression of the indexes. */
const price: Aspect = {
  value: sql`p.price`,
  own: sql`coalesce(s.price_per_hour_nano_usd, 9223372036854775807) AS price`,
};
/** The least surplus memory is the least memory, since what was asked for is the same for all. */
const memory: Aspect = { value: sql`p.memory`, own: sql`coalesce(s.memory_total_mb, 2147483647) AS memory` };
const unreliability: Aspect = {
  value: sql`p.unreliability`,
  own: sql`round(-coalesce(s.reputation, -1)::float8 * 1e9)::bigint AS unreliability`,
};
/** The free GPUs of the GPU's node, whether or not they fit the request. */
export const fewFree: Aspect = { value: sql`p.free`, own: null };
const manyFree: Aspect = { value: sql`-p.free`, own: null };

/** The objectives in their order of weight, so that anybody can recompute a choice. */
export const objectives: Readonly<Record<Objective, readonly Aspect[]>> = {
  cheapest: [price, memory, fewFree],
  best_fit: [memory, fewFree],
  most_reliable: [unreliability, price],
  spread: [manyFree],
};

/** Which of two GPUs of equal worth is taken: that of the node registered first, then by its index. */
export const tieBreak = sql`p.node_seq, p.slot_index, p.seq`;

/** Up to the node, which is all of it that an index tells; GPUs of one node alone can tie then. */
export const nodeTieBreak = sql`p.node_seq`;
