import sql, { type Sql } from 'sql-template-tag';

export const objectiveNames = ['cheapest', 'best_fit', 'most_reliable', 'spread'] as const;
export type Objective = (typeof objectiveNames)[number];

/**
 * What a GPU costs under one aspect, smaller is better, unknown is worst; over the rows of `pool`. The least surplus
 * memory is the least memory, since what was asked for is the same for all.
 */
const price = sql`p.price`;
const memory = sql`p.memory`;
const unreliability = sql`p.unreliability`;
/** The free GPUs of the GPU's node, whether or not they fit the request. */
const free = sql`p.free`;

interface Ranking {
  /** Aspects in their order of weight. */
  aspects: readonly Sql[];
  /** How many of the first aspects need nothing but the GPU's own row. */
  own: number;
}

/** The objectives, so that anybody can recompute a choice; what still ties goes by the node's registration, then the GPU's index. */
export const objectives: Readonly<Record<Objective, Ranking>> = {
  cheapest: { aspects: [price, memory, free], own: 2 },
  best_fit: { aspects: [memory, free], own: 1 },
  most_reliable: { aspects: [unreliability, price], own: 2 },
  spread: { aspects: [sql`-p.free`], own: 0 },
};

/** The aspects as columns, over `gpu_state s`; the price is the expression of the indexes. */
export const aspectColumns = sql`
  coalesce(s.price_per_hour_nano_usd, 9223372036854775807) AS price,
  coalesce(s.memory_total_mb, 2147483647) AS memory,
  -coalesce(s.reputation, -1) AS unreliability`;

/** Which of two GPUs of equal worth is taken. */
export const tieBreak = sql`p.node_seq, p.slot_index, p.seq`;
