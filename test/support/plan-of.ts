import pg from 'pg';
import type { Sql } from 'sql-template-tag';

/** A node of a plan, as `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)` tells it. */
export interface Plan {
  'Node Type': string;
  'Index Name'?: string;
  'Relation Name'?: string;
  Plans?: Plan[];
  'Shared Hit Blocks': number;
  'Shared Read Blocks': number;
}

const textOf = (value: unknown): string => {
  if (value instanceof Date) return value.toISOString();
  return Array.isArray(value) ? `{${value.join()}}` : String(value);
};

const literal = (value: unknown): string => pg.escapeLiteral(textOf(value));

/**
 * How a statement is run by the plan for all parameters, which is what a named statement of the service gets; with the
 * price of a page that the embedded database has.
 */
export async function planOf(pool: pg.Pool, { text, values }: Sql): Promise<Plan> {
  const given = values.length > 0 ? `(${values.map(literal).join()})` : '';
  const client = await pool.connect();
  try {
    await client.query('SET plan_cache_mode = force_generic_plan; SET random_page_cost = 1.1');
    await client.query(`PREPARE explained AS ${text}`);
    const { rows } = await client.query(`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE explained${given}`);
    await client.query('DEALLOCATE explained; RESET ALL');
    return rows[0]['QUERY PLAN'][0].Plan;
  } finally {
    client.release();
  }
}

/** The indexes that alone were read, of all levels of a plan. */
export function indexOnlyScans(plan: Plan): string[] {
  const own = plan['Node Type'] === 'Index Only Scan' ? [plan['Index Name'] ?? ''] : [];
  return [...own, ...(plan.Plans ?? []).flatMap(indexOnlyScans)];
}
