import sql, { join, raw, type Sql } from 'sql-template-tag';
import type { Queryable } from '../../../kernel/db/transaction.ts';
import type { Question } from './question.ts';

/** The places of more predicates than this do not fit into the bits of one number. */
const maxPlaces = 62;

const bitOf = (place: number): bigint => 1n << BigInt(place - 1);

/** Bonds apart: how many GPUs fail these predicates at most. */
export type NearCounts = (...places: readonly number[]) => number;

/** GPUs that fail two predicates at most, by which ones; null where there are too many predicates to tell. */
export async function countNear(db: Queryable, question: Question): Promise<NearCounts | null> {
  const { predicates, shown, tables } = question;
  if (predicates.length > maxPlaces) return null;
  const bits = predicates.map(
    ({ sql: passes }, at): Sql =>
      sql`CASE WHEN ${passes} THEN 0 ELSE ${raw(String(bitOf(at + 1)))}::bigint END`,
  );
  const rows = await db.rows<{ failed: string; gpus: number }>(sql`/* allocations:explain_near */
    SELECT failed::text, count(*) AS gpus
      FROM (SELECT ${join(bits, ' + ')} AS failed FROM ${tables} WHERE ${shown} OFFSET 0) g
     WHERE bit_count(int8send(failed)) <= 2 GROUP BY failed`);
  return (...places) => {
    const allowed = places.reduce((mask, place) => mask | bitOf(place), 0n);
    return rows
      .filter(({ failed }) => (BigInt(failed) & ~allowed) === 0n)
      .reduce((sum, { gpus }) => sum + gpus, 0);
  };
}
