import type pg from 'pg';

/** Those that the server had to break so far; whoever was broken off tried again, and nobody was told. */
export async function deadlocks(owner: pg.Pool): Promise<number> {
  const { rows } = await owner.query<{ n: number }>(
    'SELECT deadlocks::int AS n FROM pg_stat_database WHERE datname = current_database()',
  );
  return rows[0]?.n ?? 0;
}
