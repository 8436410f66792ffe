import type pg from 'pg';

/** What changes by itself: signs of life of this process, and when a key was last used. */
const volatile: Readonly<Record<string, string>> = {
  instance: "'{}'::jsonb",
  api_key: "to_jsonb(t) - 'last_used_at'",
};

/** What a worker derives from what was stored before. */
const derived: readonly string[] = ['metric_unfolded', 'metric_late', 'metric_minute', 'metric_hour'];

/** One hash for each table of the service: equal hashes mean that not a single value was changed. */
export async function databaseDigest(sql: pg.Pool): Promise<Record<string, string>> {
  const { rows: tables } = await sql.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_class c
      WHERE c.relnamespace = 'inventory'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
        AND c.relname <> ALL($1) ORDER BY 1`,
    [derived],
  );
  const hashes = tables.map(({ name }) => {
    const row = volatile[name] ?? 'to_jsonb(t)';
    return `SELECT '${name}' AS name, md5(coalesce(string_agg(r, ',' ORDER BY r), '')) AS hash
              FROM (SELECT (${row})::text AS r FROM inventory.${name} t) AS all_rows`;
  });
  const { rows } = await sql.query<{ name: string; hash: string }>(hashes.join(' UNION ALL '));
  return Object.fromEntries(rows.map(({ name, hash }) => [name, hash]));
}
