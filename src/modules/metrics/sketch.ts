import sql, { type Sql } from 'sql-template-tag';

/**
 * Distributions in bins whose bounds grow by 2 %, as in DDSketch (Masson, Rim, Lee, "DDSketch: A Fast and
 * Fully-Mergeable Quantile Sketch with Relative-Error Guarantees", VLDB 2019): whatever the values, a percentile is at
 * most 1 % off, and sketches of many hours and GPUs are merged by adding up. Bins are numbered in the order of the
 * values, negative ones below 0; what is smaller than 1e-9 is bin 0. ±1e100, the largest sample, is bin ±12,551.
 */
const error = 0.01;
const growth = (1 + error) / (1 - error);
const smallest = 1e-9;

/** The bin of a value. */
export const binOf = (value: Sql): Sql => sql`
  (CASE WHEN abs(${value}) < ${smallest}::float8 THEN 0
        ELSE sign(${value}) * (ceil(ln(abs(${value}) / ${smallest}::float8) / ${Math.log(growth)}::float8) + 1) END)::smallint`;

/** The value in the middle of a bin. */
export const middleOf = (bin: Sql): Sql => sql`
  (sign(${bin}) * ${(smallest * 2) / (growth + 1)}::float8 * power(${growth}::float8, abs(${bin}) - 1))`;
