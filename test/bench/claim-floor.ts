import { setImmediate as turn } from 'node:timers/promises';
import pg from 'pg';
import { repeat } from './load.ts';
import { transactionsPerSecond } from './pgbench.ts';
import type { World } from './world.ts';

/** GPUs that each claim takes, here and by HTTP. */
export const gpusPerClaim = 2;

/**
 * The least that claims need of PostgreSQL: the same fleet in narrow rows with the three indexes that searches by price
 * need, and one row for each allocation. No key, no rights, no ledger, no change rows, no reasons against a GPU.
 */
const schema = `
  DROP SCHEMA IF EXISTS claim_floor CASCADE;
  CREATE SCHEMA claim_floor;
  CREATE TABLE claim_floor.gpu (id bigint PRIMARY KEY, model text NOT NULL, region text NOT NULL, price bigint,
    available boolean NOT NULL, owner bigint) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01);
  INSERT INTO claim_floor.gpu SELECT seq, model_id, region, price_per_hour_nano_usd, blocks = 0, NULL FROM inventory.gpu_state;
  CREATE INDEX ON claim_floor.gpu (model, region, price, id) WHERE available AND owner IS NULL;
  CREATE INDEX ON claim_floor.gpu (model, price, id) WHERE available AND owner IS NULL;
  CREATE INDEX ON claim_floor.gpu (price, id) WHERE available AND owner IS NULL;
  CREATE INDEX ON claim_floor.gpu (owner) WHERE owner IS NOT NULL;
  CREATE TABLE claim_floor.allocation (id bigint PRIMARY KEY, tenant bigint NOT NULL, gpus bigint[] NOT NULL,
    created_at timestamptz NOT NULL, released_at timestamptz) WITH (fillfactor = 80);`;

const free = (model: string) =>
  `SELECT id FROM claim_floor.gpu WHERE model = '${model}' AND available AND owner IS NULL
    ORDER BY price, id LIMIT ${gpusPerClaim}`;

/** The cheapest of one model in one statement, given back in another. */
const pair = (model: string) => `\\set a random(1, 9000000000000000)
WITH picked AS (${free(model)} FOR UPDATE SKIP LOCKED),
     taken AS (UPDATE claim_floor.gpu g SET owner = :a FROM picked WHERE g.id = picked.id RETURNING g.id)
INSERT INTO claim_floor.allocation SELECT :a, 1, array_agg(id), clock_timestamp() FROM taken HAVING count(*) = ${gpusPerClaim};
WITH ended AS (UPDATE claim_floor.allocation SET released_at = clock_timestamp() WHERE id = :a AND released_at IS NULL RETURNING id)
UPDATE claim_floor.gpu SET owner = NULL WHERE owner = (SELECT id FROM ended);
`;

export interface Floor {
  /** Pairs of a claim that was served and its release, a second, by pgbench with 32 clients. */
  pairsPerSecond(seconds: number): Promise<number>;
  /** GPUs that were given out twice by select, then update without a guard: what the harness must be able to see. */
  unguardedDoubles(seconds: number): Promise<number>;
}

export async function createFloor(
  { owner, ownerUrl }: World,
  pgbench: string,
  model: string,
): Promise<Floor> {
  await owner.query(schema);
  await owner.query('VACUUM ANALYZE claim_floor.gpu');
  return {
    async pairsPerSecond(seconds) {
      const tries = await transactionsPerSecond(pgbench, ownerUrl, {
        sql: pair(model),
        clients: 32,
        seconds,
      });
      const { rows } = await owner.query<{ served: number; kept: number }>(
        `SELECT count(*)::int AS served, count(*) FILTER (WHERE released_at IS NULL)::int AS kept FROM claim_floor.allocation`,
      );
      await owner.query('TRUNCATE claim_floor.allocation');
      if (rows[0]?.kept !== 0) throw new Error('The floor has not released what it claimed.');
      return Math.min(tries, rows[0].served / seconds);
    },
    unguardedDoubles: (seconds) => unguarded(ownerUrl, model, seconds),
  };
}

async function unguarded(ownerUrl: string, model: string, seconds: number): Promise<number> {
  const pool = new pg.Pool({ connectionString: ownerUrl, max: 16 });
  const owners = new Set<string>();
  let doubles = 0;
  await repeat(16, seconds, async (lane) => {
    const { rows } = await pool.query<{ id: string }>(free(model));
    const ids = rows.map(({ id }) => id);
    await pool.query('UPDATE claim_floor.gpu SET owner = $1 WHERE id = ANY($2)', [lane, ids]);
    for (const id of ids) {
      if (owners.has(id)) doubles++;
      owners.add(id);
    }
    await turn();
    for (const id of ids) owners.delete(id);
    await pool.query('UPDATE claim_floor.gpu SET owner = NULL WHERE id = ANY($1)', [ids]);
  });
  await pool.end();
  return doubles;
}
