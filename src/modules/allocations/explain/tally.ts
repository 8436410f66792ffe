import sql, { empty, join, raw, type Sql } from 'sql-template-tag';
import type { Queryable } from '../../../kernel/db/transaction.ts';
import type { Bond, GpuPredicate, Question } from './question.ts';
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

/**
 * How far a GPU comes, as one number: the place of the first predicate that it fails, negative where it fails others too;
 * one beyond the last where it fails none. Nothing is evaluated after the second failure, for which each predicate
 * stands once for all before it.
 */
function codeOf(predicates: readonly GpuPredicate[]): Sql {
  const branches = predicates.map(({ sql: passes }, at) => {
    const later = predicates.slice(at + 1).map((other) => sql`(${other.sql})`);
    const place = raw(String(at + 1));
    const code =
      later.length === 0 ? place : sql`CASE WHEN ${join(later, ' AND ')} THEN ${place} ELSE -${place} END`;
    return sql`WHEN (${passes}) IS NOT TRUE THEN ${code}`;
  });
  return sql`CASE ${join(branches, ' ')} ELSE ${raw(String(predicates.length + 1))} END`;
}

/** The label of a code: the place of the only predicate that is failed, 0 where none is, NULL where several are. */
const labelOf = (predicates: readonly GpuPredicate[]): Sql =>
  raw(`CASE WHEN code > ${predicates.length} THEN 0 WHEN code > 0 THEN code END`);

/** Each GPU with its code. OFFSET 0 keeps PostgreSQL from evaluating that again wherever it is looked at. */
const coded = ({ predicates, bonds, shown, tables }: Question): Sql => sql`
  SELECT s.node_seq, s.provider_id, s.seq, ${modelColumn(bonds)} AS model, ${codeOf(predicates)} AS code
    FROM ${tables} WHERE ${shown} OFFSET 0`;

/** Labels of a node's GPUs fit into the bits of one number, where nothing more is asked of them and they are few. */
const isMasked = ({ predicates, bonds }: Question): boolean => bonds.length === 0 && predicates.length < 62;

/**
 * One scan whose rows are counted at two grains or three at once: by code, by node and, where teams are asked for, in
 * piles of GPUs of one node, model and label.
 */
function counted(question: Question): Sql {
  const label = labelOf(question.predicates);
  if (isMasked(question))
    return sql`counted AS MATERIALIZED (
      SELECT code, node_seq, provider_id, NULL AS model, count(*) AS gpus, max(abs(code)) AS reach, min(seq) AS seq,
             bit_or(1::bigint << ${label}) AS labels
        FROM (${coded(question)}) gpu GROUP BY GROUPING SETS ((code), (node_seq, provider_id))
    )`;
  return sql`counted AS MATERIALIZED (
      SELECT code, node_seq, provider_id, pile_node, pile_provider, model, label, count(*) AS gpus,
             max(abs(code)) AS reach, min(seq) AS seq, NULL::bigint AS labels
        FROM (SELECT *, CASE WHEN code > 0 THEN node_seq END AS pile_node,
                     CASE WHEN code > 0 THEN provider_id END AS pile_provider, ${label} AS label
                FROM (${coded(question)}) gpu) gpu
       GROUP BY GROUPING SETS ((code), (node_seq, provider_id), (pile_node, pile_provider, model, label))
    ), pile AS MATERIALIZED (
      SELECT pile_node AS node_seq, pile_provider AS provider_id, model, label, gpus
        FROM counted WHERE label IS NOT NULL
    )`;
}

/** A node has one provider: no two of its GPUs are of different ones. */
const contradict = (bonds: readonly Bond[], count: number): boolean =>
  count > 1 && bonds.includes('sameNode') && bonds.includes('distinctProviders');

/**
 * The GPUs of `piles` that could be part of an answer, under the label of each predicate whose drop makes it so: 0 where
 * nothing needs to be dropped. A team is complete with `count` GPUs, or with GPUs of `count` providers where they must
 * differ; a provider that needs no drop counts for none. Teams that are too small whatever is dropped are left out first.
 */
function fitting(piles: Sql, bonds: readonly Bond[], count: number): Sql {
  if (bonds.length === 0) return sql`SELECT node_seq, provider_id, label, gpus FROM ${piles}`;
  if (contradict(bonds, count))
    return sql`SELECT node_seq, provider_id, label, gpus FROM ${piles} WHERE FALSE`;
  const weighed = bonds.includes('distinctProviders')
    ? sql`(SELECT ${team}, label,
                  CASE WHEN label = 0 OR min(label) OVER (PARTITION BY ${team}, provider_id) > 0 THEN 1 ELSE 0 END AS weight
             FROM large GROUP BY ${team}, provider_id, label)`
    : sql`(SELECT ${team}, label, gpus AS weight FROM large)`;
  const teamed = sql`(SELECT *, ${teamColumns(bonds)} FROM ${piles}) p`;
  return sql`WITH large AS MATERIALIZED (
      SELECT p.* FROM ${teamed}
        JOIN (SELECT ${team} FROM ${teamed} GROUP BY ${team} HAVING sum(gpus) >= ${count}) l USING (${team})
    )
    SELECT w.node_seq, w.provider_id, o.label, w.gpus FROM large w
      JOIN (SELECT ${team}, label, size,
                   coalesce(max(size) FILTER (WHERE label = 0) OVER (PARTITION BY ${team}), 0) AS base
              FROM (SELECT ${team}, label, sum(weight) AS size
                      FROM ${weighed} p GROUP BY ${team}, label) t) o USING (${team})
     WHERE CASE o.label WHEN 0 THEN o.base ELSE o.base + o.size END >= ${count}
       AND (w.label = o.label OR (w.label = 0 AND o.base < ${count}))`;
}

/** Sums over labelled rows; under a label come only nodes and providers that label 0 has not. */
const sumsOf = (part: string, rows: Sql): Sql => sql`
  SELECT ${part}::text AS part, label, sum(gpus)::bigint AS gpus, 0::bigint AS nodes, 0::bigint AS providers,
         NULL::json AS miss FROM ${rows} GROUP BY label
  UNION ALL ${uniqueOf(part, rows, 'node_seq', sql`0, count(*), 0`)}
  UNION ALL ${uniqueOf(part, rows, 'provider_id', sql`0, 0, count(*)`)}`;

const uniqueOf = (part: string, rows: Sql, column: string, columns: Sql): Sql => sql`
  SELECT ${part}::text, label, ${columns}, NULL
    FROM (SELECT label, min(label) OVER (PARTITION BY ${raw(column)}) AS least
            FROM ${rows} GROUP BY ${raw(column)}, label) u
   WHERE label = 0 OR least > 0 GROUP BY label`;

/** Nodes and providers counted by the furthest that any of their GPUs comes, and by the labels of these. */
const kinds = sql`node AS (SELECT provider_id, reach, labels FROM counted WHERE node_seq IS NOT NULL),
    provider AS (SELECT max(reach) AS reach, bit_or(labels) AS labels FROM node GROUP BY provider_id),
    kind AS MATERIALIZED (
      SELECT reach, labels, count(*) AS nodes, 0 AS providers FROM node GROUP BY reach, labels
      UNION ALL SELECT reach, labels, 0, count(*) FROM provider GROUP BY reach, labels
    )`;

/** GPUs, nodes and providers by how far they come. */
const reach = sql`
  SELECT 'reach' AS part, abs(code) AS label, gpus, 0::bigint AS nodes, 0::bigint AS providers, NULL::json AS miss
    FROM counted WHERE code IS NOT NULL
  UNION ALL SELECT 'reach', reach, 0, sum(nodes)::bigint, sum(providers)::bigint, NULL FROM kind GROUP BY reach`;

/** Of the GPUs that one predicate alone keeps out, the one registered first. */
const misses = ({ predicates }: Question): Sql => sql`
  SELECT 'miss', code, 0, 0, 0, (
           SELECT json_build_object('gpuId', g.id, 'nodeId', g.node_id, 'providerId', g.provider_id)
             FROM inventory.gpu g WHERE g.seq = counted.seq)
    FROM counted WHERE code BETWEEN 1 AND ${predicates.length}::integer`;

const nameOf = (bonds: readonly Bond[]): string => bonds.join('+');

/** The parts of a set of bonds that are counted: each beginning of the list, and the list without each; never none. */
function partsOf(bonds: readonly Bond[]): Bond[][] {
  const beginnings = bonds.map((_, at) => bonds.slice(0, at));
  const without = bonds.map((dropped) => bonds.filter((bond) => bond !== dropped));
  const sets = new Map([...beginnings, ...without].map((set): [string, Bond[]] => [nameOf(set), set]));
  return [...sets.values()].filter((set) => set.length > 0);
}

/** Sums over the labels of nodes and providers, as `sumsOf` has them over piles. */
const labelSums = ({ predicates }: Question): Sql => sql`
  SELECT '' AS part, ${labelOf(predicates)} AS label, gpus, 0::bigint AS nodes, 0::bigint AS providers, NULL::json AS miss
    FROM counted WHERE code > 0
  UNION ALL
  SELECT '', place, 0, sum(nodes)::bigint, sum(providers)::bigint, NULL
    FROM kind CROSS JOIN generate_series(0, ${predicates.length}::integer) place
   WHERE CASE place WHEN 0 THEN labels & 1 = 1 ELSE labels & (1::bigint << place | 1) = 1::bigint << place END
   GROUP BY place`;

/** All that piles come to: with all bonds and whatever label, and with some of the bonds and no label. */
function pileSums({ bonds, count }: Question): { ctes: Sql; sums: Sql } {
  const parts = partsOf(bonds).map((set, at) => ({ set, rows: raw(`part${at}`) }));
  const tables = parts.map(
    ({ set, rows }) => sql`, ${rows} AS MATERIALIZED (${fitting(sql`whole`, set, count)})`,
  );
  const all = [{ set: bonds, rows: raw('fit') }, ...parts];
  return {
    ctes: sql`, whole AS MATERIALIZED (SELECT * FROM pile WHERE label = 0),
      fit AS MATERIALIZED (${fitting(sql`pile`, bonds, count)}) ${join([empty, ...tables], ' ')}`,
    sums: join(
      all.map(({ set, rows }) => sumsOf(nameOf(set), rows)),
      ' UNION ALL ',
    ),
  };
}

/** One statement, one scan; everything is counted from what that has `counted`. */
function tallySql(question: Question): Sql {
  const piles = isMasked(question) ? { ctes: empty, sums: labelSums(question) } : pileSums(question);
  return sql`/* allocations:explain */
    WITH ${counted(question)}, ${kinds} ${piles.ctes}
    ${reach} UNION ALL ${piles.sums} UNION ALL ${misses(question)}`;
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
