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

const fails = (place: number): Sql => raw(`f${place}`);

/**
 * Each GPU with the place of the first predicate that it fails (one beyond the last where it fails none), and with that
 * of the only one: 0 where it fails none, NULL where it fails several. These two are all that is ever asked of the mask
 * of what it fails. OFFSET 0 keeps PostgreSQL from evaluating a predicate twice.
 */
function failures({ predicates, bonds, shown, tables }: Question): Sql {
  const places = predicates.map((_, at) => at + 1);
  const conditions = predicates.map(
    (predicate, at) => sql`(${predicate.sql}) IS NOT TRUE AS ${fails(at + 1)}`,
  );
  const first = join(
    places.map((place) => sql`WHEN ${fails(place)} THEN ${raw(String(place))}`),
    ' ',
  );
  const count = join(
    places.map((place) => sql`${fails(place)}::integer`),
    ' + ',
  );
  return sql`SELECT node_id, provider_id, model, seq, first, CASE failed WHEN 0 THEN 0 WHEN 1 THEN first END AS sole
    FROM (SELECT *, CASE ${first} ELSE ${raw(String(places.length + 1))} END AS first, ${count} AS failed
            FROM (SELECT s.node_id, s.provider_id, s.seq, ${modelColumn(bonds)} AS model, ${join(conditions)}
                    FROM ${tables} WHERE ${shown} OFFSET 0) tested) gpu`;
}

/**
 * The GPUs of `piles` that could be part of an answer, under the label of each predicate whose drop makes it so: 0 where
 * nothing needs to be dropped. A team is complete with `count` GPUs, or with GPUs of `count` providers where they must
 * differ; a provider that needs no drop counts for none.
 */
function fitting(piles: Sql, bonds: readonly Bond[], count: number): Sql {
  if (bonds.length === 0) return sql`SELECT node_id, provider_id, sole AS label, gpus FROM ${piles}`;
  const weight = bonds.includes('distinctProviders')
    ? sql`CASE WHEN row_number() OVER (PARTITION BY ${team}, provider_id, sole) = 1
                AND (sole = 0 OR min(sole) OVER (PARTITION BY ${team}, provider_id) > 0) THEN 1 ELSE 0 END`
    : sql`gpus`;
  return sql`SELECT w.node_id, w.provider_id, o.label, w.gpus
    FROM (SELECT *, ${teamColumns(bonds)} FROM ${piles}) w
    JOIN (SELECT ${team}, sole AS label, coalesce(max(size) FILTER (WHERE sole = 0) OVER (PARTITION BY ${team}), 0) AS base,
                 size
            FROM (SELECT ${team}, sole, sum(weight) AS size
                    FROM (SELECT *, ${weight} AS weight
                            FROM (SELECT *, ${teamColumns(bonds)} FROM ${piles}) p) p
                   GROUP BY ${team}, sole) t) o USING (${team})
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
  SELECT 'reach' AS part, first AS label, sum(gpus)::bigint AS gpus, 0::bigint AS nodes, 0::bigint AS providers,
         NULL::json AS miss FROM pile GROUP BY first
  UNION ALL SELECT 'reach', first, 0, count(*), 0, NULL
    FROM (SELECT max(first) AS first FROM pile GROUP BY node_id) n GROUP BY first
  UNION ALL SELECT 'reach', first, 0, 0, count(*), NULL
    FROM (SELECT max(first) AS first FROM pile GROUP BY provider_id) p GROUP BY first`;

/** Of the GPUs that one predicate alone keeps out, the one registered first. */
const misses = sql`
  SELECT 'miss', sole, 0, 0, 0, json_build_object('gpuId', s.gpu_id, 'nodeId', s.node_id, 'providerId', s.provider_id)
    FROM near JOIN (SELECT sole, min(seq) AS seq FROM near WHERE sole > 0 GROUP BY sole) m USING (sole, seq)
    JOIN inventory.gpu_state s USING (node_id, seq) WHERE s.deleted_at IS NULL`;

const nameOf = (bonds: readonly Bond[]): string => bonds.join('+');

/** The parts of a set of bonds that are counted: each beginning of the list, and the list without each; never none. */
function partsOf(bonds: readonly Bond[]): Bond[][] {
  const beginnings = bonds.map((_, at) => bonds.slice(0, at));
  const without = bonds.map((dropped) => bonds.filter((bond) => bond !== dropped));
  const sets = new Map([...beginnings, ...without].map((set): [string, Bond[]] => [nameOf(set), set]));
  return [...sets.values()].filter((set) => set.length > 0);
}

/** One statement, one scan: equal GPUs of a node are one pile, and everything else is counted from the piles. */
function tallySql(question: Question): Sql {
  const { bonds, count } = question;
  const parts = partsOf(bonds).map((set, at) => ({ set, rows: raw(`part${at}`) }));
  const tables = parts.map(
    ({ set, rows }) => sql`, ${rows} AS MATERIALIZED (${fitting(sql`whole`, set, count)})`,
  );
  return sql`/* allocations:explain */
    WITH pile AS MATERIALIZED (
      SELECT node_id, provider_id, model, first, sole, count(*) AS gpus, min(seq) AS seq
        FROM (${failures(question)}) gpu GROUP BY node_id, provider_id, model, first, sole
    ), near AS MATERIALIZED (SELECT * FROM pile WHERE sole IS NOT NULL),
    whole AS MATERIALIZED (SELECT * FROM near WHERE sole = 0),
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
