import sql, { join, type Sql } from 'sql-template-tag';
import type { Queryable } from '../../../kernel/db/transaction.ts';
import { compileFilters, whereAll } from '../../../kernel/filters/sql.ts';
import type { Concession } from './concessions.ts';
import { moment, type Question } from './question.ts';
import { modelColumn, team, teamColumns } from './teams.ts';

/** What the fleet has to offer for a concession: a value, as text, and the GPUs that the request then leaves. */
export interface Offer {
  value: string;
  gpus: number;
}

/** GPUs that pass everything else, in piles of one team and value; `worth` is NULL where nothing has to be conceded. */
function piles(question: Question, { place, reading, condition, rest }: Concession): Sql {
  const { predicates, bonds, filters, shown, tables } = question;
  const others = predicates.flatMap(({ sql: passes }, at) => (at + 1 === place ? [] : [passes]));
  const tested = [condition, ...rest].map((test) => ({ name: '', value: null, test }));
  const [passes, ...kept] = compileFilters(filters, tested, { moment });
  const provider = bonds.includes('distinctProviders') ? sql`provider_id` : sql`NULL::uuid`;
  return sql`pile AS MATERIALIZED (
    SELECT ${team}, provider, worth, min(value) AS value, count(*) AS gpus
      FROM (SELECT ${teamColumns(bonds)}, ${provider} AS provider, CASE WHEN NOT passes THEN worth END AS worth,
                   CASE WHEN NOT passes THEN value END AS value
              FROM (SELECT s.node_seq, s.provider_id, ${modelColumn(bonds)} AS model, (${whereAll(passes ? [passes] : [])}) IS TRUE AS passes,
                           ${reading.order(moment)} AS worth, (${reading.value(moment)})::text AS value
                      FROM ${tables}
                     WHERE ${join([shown, ...others, whereAll(kept)], ' AND ')}) g
             WHERE passes OR worth IS NOT NULL) g
     GROUP BY ${team}, provider, worth
  )`;
}

/** What a pile adds to the size of its team: its GPUs, or its provider once. */
const weight = ({ bonds }: Question, order: Sql): Sql =>
  bonds.includes('distinctProviders')
    ? sql`CASE WHEN row_number() OVER (PARTITION BY ${team}, provider ORDER BY worth ${order} NULLS FIRST) = 1 THEN 1 ELSE 0 END`
    : sql`gpus`;

/** The bound that has to move least for a team to be complete, and the GPUs of all teams that then are. */
function boundSql(question: Question, concession: Concession): Sql {
  const down = concession.kind === 'lower';
  const order = down ? sql`DESC` : sql`ASC`;
  return sql`/* allocations:explain_bound */
    WITH ${piles(question, concession)},
    weighed AS (SELECT *, ${weight(question, order)} AS weight FROM pile),
    best AS (
      SELECT worth FROM (SELECT worth, sum(weight) OVER (PARTITION BY ${team} ORDER BY worth ${order} NULLS FIRST) AS size
                           FROM weighed) w
       WHERE size >= ${question.count} AND worth IS NOT NULL ORDER BY worth ${order} LIMIT 1
    )
    SELECT min(value) AS value, sum(gpus)::bigint AS gpus
      FROM (SELECT sum(gpus) AS gpus, min(value) FILTER (WHERE w.worth = best.worth) AS value
              FROM weighed w, best
             WHERE w.worth IS NULL OR w.worth ${down ? sql`>=` : sql`<=`} best.worth
             GROUP BY ${team} HAVING sum(weight) >= ${question.count}) t`;
}

/** The one further value with which most GPUs are in complete teams. */
function valueSql(question: Question, concession: Concession): Sql {
  const added = question.bonds.includes('distinctProviders')
    ? sql`CASE WHEN worth IS NULL OR count(*) FILTER (WHERE worth IS NULL) OVER (PARTITION BY ${team}, provider) = 0 THEN 1 ELSE 0 END`
    : sql`gpus`;
  return sql`/* allocations:explain_value */
    WITH ${piles(question, concession)},
    sized AS (
      SELECT ${team}, worth, min(value) AS value, sum(gpus) AS gpus, sum(weight) AS size
        FROM (SELECT *, ${added} AS weight FROM pile) p GROUP BY ${team}, worth
    ), widened AS (
      SELECT worth, value, gpus + coalesce(sum(gpus) FILTER (WHERE worth IS NULL) OVER t, 0) AS gpus,
             size + coalesce(sum(size) FILTER (WHERE worth IS NULL) OVER t, 0) AS size
        FROM sized WINDOW t AS (PARTITION BY ${team})
    )
    SELECT min(value) AS value, sum(gpus)::bigint AS gpus FROM widened
     WHERE worth IS NOT NULL AND size >= ${question.count} GROUP BY worth ORDER BY gpus DESC, value LIMIT 1`;
}

/** The least concession that makes the request fit; undefined where none does. Never for a request that fits. */
export async function offerFor(
  db: Queryable,
  question: Question,
  concession: Concession,
): Promise<Offer | undefined> {
  const query = (concession.kind === 'widen' ? valueSql : boundSql)(question, concession);
  const [row] = await db.rows<{ value: string | null; gpus: number | null }>(query);
  return row?.value != null && row.gpus !== null ? { value: row.value, gpus: row.gpus } : undefined;
}
