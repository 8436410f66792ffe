import sql, { join, raw, type Sql } from 'sql-template-tag';
import type { Queryable } from '../../../kernel/db/transaction.ts';
import type { Bond, Question } from './question.ts';
import { modelColumn, team, teamColumns } from './teams.ts';

export interface Sums {
  gpus: number;
  nodes: number;
  providers: number;
}

/** A GPU that one predicate alone keeps out. */
export interface NearMiss {
  gpuId: string;
  nodeId: string;
  providerId: string;
}

/** A part of the counts: `label` is a predicate's place from 1, or stands for none. */
interface Row extends Sums {
  part: string;
  label: number;
  miss: NearMiss | null;
}

/** What one scan of the fleet counts. */
export interface Tally {
  /** What the first `step` predicates leave. */
  after(step: number): Sums;
  /** What all predicates and these bonds leave: a beginning of the list of bonds, or all but one. */
  within(bonds: readonly Bond[]): Sums;
  /** What all but one predicate leave, with all bonds. */
  without(place: number): Sums;
  /** A GPU that fails this predicate alone. */
  miss(place: number): NearMiss | undefined;
}

/** What GROUPING says of the three grains: a bit for each of its columns that is not grouped by. */
const grains = { steps: raw('3'), nodes: raw('5'), piles: raw('6') };

/** `first`: the place of the first predicate that a GPU fails, or one beyond the last. */
const firstOf = (places: readonly number[]): Sql =>
  raw(
    `CASE ${places.map((place) => `WHEN f${place} THEN ${place}`).join(' ')} ELSE ${places.length + 1} END`,
  );

/** `sole`: that of the only one; 0 where it fails none, NULL where it fails several. */
function soleOf(places: readonly number[]): Sql {
  const branches = places.map((place) => {
    const rest = places.slice(place).map((later) => `f${later}`);
    const alone = rest.length === 0 ? place : `CASE WHEN ${rest.join(' OR ')} THEN NULL ELSE ${place} END`;
    return `WHEN f${place} THEN ${alone}`;
  });
  return raw(`CASE ${branches.join(' ')} ELSE 0 END`);
}

/**
 * Each GPU with `first` and `sole`: all that is ever asked of the mask of what it fails. OFFSET 0 keeps PostgreSQL from
 * merging the levels, and so from evaluating a predicate again wherever its outcome is looked at.
 */
function failures({ predicates, bonds, shown, tables }: Question): Sql {
  const places = predicates.map((_, at) => at + 1);
  const outcomes = predicates.map(
    (predicate, at) => sql`(${predicate.sql}) IS NOT TRUE AS ${raw(`f${at + 1}`)}`,
  );
  return sql`SELECT node_id, provider_id, model, seq, ${firstOf(places)} AS first, ${soleOf(places)} AS sole
    FROM (SELECT s.node_id, s.provider_id, s.seq, ${modelColumn(bonds)} AS model, ${join(outcomes)}
            FROM ${tables} WHERE ${shown} OFFSET 0) tested OFFSET 0`;
}

/**
 * The GPUs of `piles` that could be part of an answer, under the label of each predicate whose drop makes it so: 0 where
 * nothing needs to be dropped. A team is complete with `count` GPUs, or with GPUs of `count` providers where they must
 * differ; a provider that needs no drop counts for none. Teams that are too small whatever is dropped are left out first.
 */
function fitting(piles: Sql, bonds: readonly Bond[], count: number): Sql {
  if (bonds.length === 0) return sql`SELECT node_id, provider_id, sole AS label, gpus FROM ${piles}`;
  const weight = bonds.includes('distinctProviders')
    ? sql`CASE WHEN row_number() OVER (PARTITION BY ${team}, provider_id, sole) = 1
                AND (sole = 0 OR min(sole) OVER (PARTITION BY ${team}, provider_id) > 0) THEN 1 ELSE 0 END`
    : sql`gpus`;
  const teamed = sql`(SELECT *, ${teamColumns(bonds)} FROM ${piles}) p`;
  return sql`WITH large AS MATERIALIZED (
      SELECT p.* FROM ${teamed}
        JOIN (SELECT ${team} FROM ${teamed} GROUP BY ${team} HAVING sum(gpus) >= ${count}) l USING (${team})
    )
    SELECT w.node_id, w.provider_id, o.label, w.gpus FROM large w
      JOIN (SELECT ${team}, sole AS label, size,
                   coalesce(max(size) FILTER (WHERE sole = 0) OVER (PARTITION BY ${team}), 0) AS base
              FROM (SELECT ${team}, sole, sum(weight) AS size
                      FROM (SELECT *, ${weight} AS weight FROM large) p GROUP BY ${team}, sole) t) o USING (${team})
     WHERE CASE o.label WHEN 0 THEN o.base ELSE o.base + o.size END >= ${count}
       AND (w.sole = o.label OR (w.sole = 0 AND o.base < ${count}))`;
}

/** Sums over labelled rows; under a label come only nodes and providers that label 0 has not. */
const sumsOf = (part: string, rows: Sql): Sql => sql`
  SELECT ${part}::text AS part, label, sum(gpus)::bigint AS gpus, 0::bigint AS nodes, 0::bigint AS providers,
         NULL::json AS miss FROM ${rows} GROUP BY label
  UNION ALL ${uniqueOf(part, rows, 'node_id', sql`0, count(*), 0`)}
  UNION ALL ${uniqueOf(part, rows, 'provider_id', sql`0, 0, count(*)`)}`;

const uniqueOf = (part: string, rows: Sql, column: string, columns: Sql): Sql => sql`
  SELECT ${part}::text, label, ${columns}, NULL
    FROM (SELECT label, min(label) OVER (PARTITION BY ${raw(column)}) AS least
            FROM ${rows} GROUP BY ${raw(column)}, label) u
   WHERE label = 0 OR least > 0 GROUP BY label`;

/** GPUs, nodes and providers by the furthest that any of their GPUs comes. */
const reach = sql`
  SELECT 'reach' AS part, first AS label, gpus, 0::bigint AS nodes, 0::bigint AS providers, NULL::json AS miss
    FROM counted WHERE grain = ${grains.steps}
  UNION ALL SELECT 'reach', reach, 0, count(*), 0, NULL FROM node GROUP BY reach
  UNION ALL SELECT 'reach', reach, 0, 0, count(*), NULL
    FROM (SELECT max(reach) AS reach FROM node GROUP BY provider_id) p GROUP BY reach`;

/** Of the GPUs that one predicate alone keeps out, the one registered first. */
const misses = sql`
  SELECT 'miss', sole, 0, 0, 0, (
           SELECT json_build_object('gpuId', s.gpu_id, 'nodeId', s.node_id, 'providerId', s.provider_id)
             FROM inventory.gpu_state s WHERE s.node_id = m.node_id AND s.seq = m.seq AND s.deleted_at IS NULL)
    FROM (SELECT DISTINCT ON (sole) sole, seq, node_id FROM near WHERE sole > 0 ORDER BY sole, seq) m`;

const nameOf = (bonds: readonly Bond[]): string => bonds.join('+');

/** The parts of a set of bonds that are counted: each beginning of the list, and the list without each; never none. */
function partsOf(bonds: readonly Bond[]): Bond[][] {
  const beginnings = bonds.map((_, at) => bonds.slice(0, at));
  const without = bonds.map((dropped) => bonds.filter((bond) => bond !== dropped));
  const sets = new Map([...beginnings, ...without].map((set): [string, Bond[]] => [nameOf(set), set]));
  return [...sets.values()].filter((set) => set.length > 0);
}

/**
 * One statement, one scan, whose rows are counted at three grains at once: by how far they come, by node, and, of those
 * that fail one predicate at most, in piles of equal GPUs of a node. Everything else is counted from these.
 */
function tallySql(question: Question): Sql {
  const { bonds, count } = question;
  const parts = partsOf(bonds).map((set, at) => ({ set, rows: raw(`part${at}`) }));
  const tables = parts.map(
    ({ set, rows }) => sql`, ${rows} AS MATERIALIZED (${fitting(sql`whole`, set, count)})`,
  );
  return sql`/* allocations:explain */
    WITH counted AS MATERIALIZED (
      SELECT GROUPING(first, node_id, near_node_id) AS grain, first, node_id, provider_id,
             near_node_id, near_provider_id, model, sole, count(*) AS gpus, max(first) AS reach, min(seq) AS seq
        FROM (SELECT *, CASE WHEN sole IS NOT NULL THEN node_id END AS near_node_id,
                     CASE WHEN sole IS NOT NULL THEN provider_id END AS near_provider_id
                FROM (${failures(question)}) gpu) gpu
       GROUP BY GROUPING SETS ((first), (node_id, provider_id), (near_node_id, near_provider_id, model, sole))
    ), node AS (SELECT provider_id, reach FROM counted WHERE grain = ${grains.nodes}),
    near AS MATERIALIZED (
      SELECT near_node_id AS node_id, near_provider_id AS provider_id, model, sole, gpus, seq
        FROM counted WHERE grain = ${grains.piles} AND sole IS NOT NULL
    ), whole AS MATERIALIZED (SELECT * FROM near WHERE sole = 0),
    fit AS MATERIALIZED (${fitting(sql`near`, bonds, count)}) ${join([sql``, ...tables], ' ')}
    ${reach}
    UNION ALL ${sumsOf(nameOf(bonds), sql`fit`)}
    ${join([sql``, ...parts.map(({ set, rows }) => sql`UNION ALL ${sumsOf(nameOf(set), rows)}`)], ' ')}
    UNION ALL ${misses}`;
}

const nothing: Sums = { gpus: 0, nodes: 0, providers: 0 };

const plus = (a: Sums, b: Sums): Sums => ({
  gpus: a.gpus + b.gpus,
  nodes: a.nodes + b.nodes,
  providers: a.providers + b.providers,
});

export const minus = (a: Sums, b: Sums): Sums => ({
  gpus: a.gpus - b.gpus,
  nodes: a.nodes - b.nodes,
  providers: a.providers - b.providers,
});

/** Counts everything that an explanation says, in one snapshot. */
export async function tally(db: Queryable, question: Question): Promise<Tally> {
  const rows = await db.rows<Row>(tallySql(question));
  const sum = (part: string, labels: (label: number) => boolean): Sums =>
    rows.filter((row) => row.part === part && labels(row.label)).reduce(plus, nothing);
  const name = nameOf(question.bonds);
  const after = (step: number) => sum('reach', (label) => label > step);
  return {
    after,
    within: (bonds) =>
      bonds.length === 0 ? after(question.predicates.length) : sum(nameOf(bonds), (label) => label === 0),
    without: (place) => sum(name, (label) => label === 0 || label === place),
    miss: (place) => rows.find(({ part, label }) => part === 'miss' && label === place)?.miss ?? undefined,
  };
}
