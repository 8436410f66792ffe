import sql, { join, type Sql } from 'sql-template-tag';
import { gates } from '../../../kernel/gates.ts';
import { wholeGpu } from '../life/domain.ts';

/** What part of its physical GPU `r` the partition `s` is, by one of their specs; NULL where either is unknown. */
const partBy = (spec: Sql): Sql => sql`s.${spec}::real / r.${spec}`;
const compute = partBy(sql`streaming_multiprocessors`);
const memory = partBy(sql`memory_total_mb`);

/** The thousandths of its physical GPU that a share of a partition takes: never nothing, never more than there is. */
const unitsOf = (share: number, ...parts: Sql[]): Sql =>
  sql`least(${wholeGpu}::integer, greatest(1, floor(${share}::integer * coalesce(${join(parts)}, 0))))::integer`;

const isPartition = sql`s.root_gpu_id <> s.gpu_id`;

/**
 * The row `u` of what a share of `s` costs its physical GPU `r`: `root_units` of its compute, and of its memory
 * `root_memory_units`, which is NULL where the two are one GPU. What is unknown of compute goes by the memory, and the
 * other way about.
 */
export const rootCharge = (share: number): Sql => sql`LATERAL (
  SELECT CASE WHEN ${isPartition} THEN ${unitsOf(share, compute, memory)} ELSE ${share}::integer END AS root_units,
         CASE WHEN ${isPartition} THEN ${unitsOf(share, memory, compute)} END AS root_memory_units) u`;

/**
 * Whether there is room beyond the GPU's own units, over `s`, `r` and `u`: a physical GPU must not be in use through its
 * partitions; a partition needs its compute and its memory on its physical GPU, and nobody on that one as such, nor what
 * somebody left there.
 */
export const rootHasRoom = sql`CASE WHEN ${isPartition}
  THEN r.used_units = r.partition_units AND r.blocks & ${gates.gpu_cleaning} = 0
   AND r.partition_units + u.root_units <= r.total_units AND r.partition_memory_units + u.root_memory_units <= r.total_units
  ELSE s.partition_units = 0 END`;
