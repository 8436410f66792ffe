import { withClient } from '../database.ts';
import { table } from '../table.ts';

/** What heartbeats do to a table of latest states. */
export interface TableFacts {
  name: string;
  rows: number;
  dead: number;
  sizeMb: number;
  /** Updates that stayed on their page, in percent; null where there were none. */
  hotShare: number | null;
}

const factsSql = `/* cli:heartbeat_tables */
  SELECT relname AS name, n_live_tup::int AS rows, n_dead_tup::int AS dead,
         round(pg_total_relation_size(relid) / 1048576.0, 1)::float8 AS "sizeMb",
         round(100.0 * n_tup_hot_upd / nullif(n_tup_upd, 0), 2)::float8 AS "hotShare"
    FROM pg_stat_user_tables
   WHERE schemaname = 'inventory' AND relname IN ('node_heartbeat', 'gpu_telemetry') ORDER BY relname`;

export const readTables = (ownerUrl: string): Promise<TableFacts[]> =>
  withClient(ownerUrl, async (client) => (await client.query<TableFacts>(factsSql)).rows);

export const shownTables = (before: readonly TableFacts[], after: readonly TableFacts[]): string[] =>
  table(
    ['TABLE', 'ROWS', 'DEAD BEFORE', 'DEAD AFTER', 'MIB BEFORE', 'MIB AFTER', 'HOT %'],
    after.map(({ name, rows, dead, sizeMb, hotShare }) => {
      const then = before.find((facts) => facts.name === name);
      return [name, rows, then?.dead ?? '-', dead, then?.sizeMb ?? '-', sizeMb, hotShare ?? '-'].map(String);
    }),
  );
