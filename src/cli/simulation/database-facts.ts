import { withClient } from '../database.ts';

/** A table of latest states, as PostgreSQL's statistics have it; counters run since they were reset. */
export interface TableFacts {
  name: string;
  rows: number;
  dead: number;
  sizeMb: number;
  updates: number;
  /** Updates that stayed on their page. */
  hotUpdates: number;
}

const factsSql = `/* cli:heartbeat_tables */
  SELECT relname AS name, n_live_tup::int AS rows, n_dead_tup::int AS dead,
         round(pg_total_relation_size(relid) / 1048576.0, 1)::float8 AS "sizeMb",
         n_tup_upd::float8 AS updates, n_tup_hot_upd::float8 AS "hotUpdates"
    FROM pg_stat_user_tables
   WHERE schemaname = 'inventory' AND relname IN ('node_heartbeat', 'gpu_telemetry') ORDER BY relname`;

export const readTables = (ownerUrl: string): Promise<TableFacts[]> =>
  withClient(ownerUrl, async (client) => (await client.query<TableFacts>(factsSql)).rows);

/** Few rows share few pages, and leave more dead ones on them than there are rows. */
const deadOfSmallTables = 1000;

/**
 * Whether dead rows are bounded: no more than two for each row. An update leaves one on the row's page, which is tidied
 * when a row on it is updated next, long before autovacuum comes; so the tables do not grow with the heartbeats.
 */
export const isTidy = ({ rows, dead }: TableFacts): boolean => dead <= Math.max(2 * rows, deadOfSmallTables);
