import sql, { type Sql } from 'sql-template-tag';
import type { Transaction } from '../../kernel/db/transaction.ts';
import { reasonsOf } from '../../kernel/gates.ts';
import { newId } from '../../kernel/ids.ts';
import { wholeGpu } from './domain.ts';
import { announce, changed, type Events, touchedOf, toView, type Written } from './record.ts';
import { type AllocationView, allocationColumns, gpusOf } from './view.ts';

/** What a claim says beside which GPUs it wants. */
export interface Claim {
  tenantId: string;
  /** How many GPUs, all of them or none. */
  count: number;
  /** Thousandths of each. */
  share: number;
  holdTtlS: number | null;
  durationS: number | null;
  purpose: string | null;
  request: object | null;
}

/** A GPU that the statement met and could not take. */
export interface Refused {
  gpuId: string;
  blocks: number;
  /** Not enough of it is free; `due` when a hold on it is past its deadline. */
  taken: boolean;
  due: boolean;
}

export interface ClaimOutcome {
  allocation: AllocationView | null;
  /** Whether the claim could have been served as far as was known before anything was locked. */
  possible: boolean;
  /** Of a claim that was not served: the GPUs that were looked at, and those that stood in its way. */
  found: string[];
  refused: Refused[];
}

/** How a claim gets its GPUs. */
export interface Choice {
  /** CTEs that lock GPUs and end in `chosen`: those to take, each with whether the claim `fits` it. */
  ctes: Sql;
  possible: Sql;
}

/** The share of a physical GPU that its partition costs it: by memory, and never nothing. */
const rootUnits = (units: number): Sql => sql`CASE WHEN s.root_gpu_id = s.gpu_id THEN ${units}::integer
  ELSE greatest(1, floor(${units}::integer * coalesce(least(s.memory_total_mb::real / r.memory_total_mb, 1), 0)))::integer END`;

/** What a choice has to know of a GPU, over `gpu_state s`. */
export const claimColumns = sql`
  s.gpu_id, s.root_gpu_id, s.node_id, s.provider_id, s.memory_total_mb, s.blocks, s.total_units, s.used_units,
  s.active_units, s.held_until, s.price_per_hour_nano_usd, s.version`;

/** The physical GPUs among `gpus` that are partitioned: a claim on a partition charges them, so they are locked too. */
export const rootsOf = (gpuIds: Sql): Sql => sql`ARRAY(
  SELECT c.root_gpu_id FROM inventory.gpu_state c WHERE c.gpu_id = ANY(${gpuIds}) AND c.root_gpu_id <> c.gpu_id)`;

/** The CTE `judged` over `locked`: each wanted GPU with whether the claim fits it, decided on the locked row. */
export const judged = (share: number, wanted: Sql): Sql => sql`judged AS MATERIALIZED (
  SELECT s.*, ${rootUnits(share)} AS root_units, s.blocks = 0
         AND s.used_units + ${share}::integer <= s.total_units
         AND (s.root_gpu_id = s.gpu_id OR r.used_units + ${rootUnits(share)} <= r.total_units) AS fits
    FROM locked s JOIN locked r ON r.gpu_id = s.root_gpu_id
   WHERE ${wanted}
)`;

const pricePaid = (share: number): Sql =>
  sql`round(c.price_per_hour_nano_usd::numeric * ${share}::integer / ${wholeGpu}::integer)`;

/**
 * Takes the GPUs of `chosen` in one statement: allocation, ledger and change rows; the ledger's trigger moves
 * `gpu_state`. All or nothing: where one GPU does not fit, or one is missing, nothing is written and `refused` says why.
 * The time is taken after the locks.
 */
export async function take(tx: Transaction, claim: Claim, choice: Choice): Promise<ClaimOutcome> {
  const { share, holdTtlS: ttl, durationS: duration } = claim;
  const events: Events = { allocation: 'created', gpu: ttl === null ? 'allocated' : 'held', reason: null };
  const activeFrom = ttl === null ? sql`v.at` : sql`NULL::timestamptz`;
  const row = (await tx.row<Row>(sql`/* allocations:claim */
    WITH ${choice.ctes}, verdict AS MATERIALIZED (
      SELECT count(*) AS found, bool_and(c.fits) AS fits, clock_timestamp() AS at,
             CASE WHEN count(c.price_per_hour_nano_usd) = count(*) THEN sum(${pricePaid(share)}) END AS price
        FROM chosen c
    ), allocation AS (
      INSERT INTO inventory.allocation (id, tenant_id, state, request, purpose, price_per_hour_nano_usd, hold_ttl_s,
                                        duration_s, held_until, expires_at, activated_at, created_at, updated_at)
      SELECT ${newId()}::uuid, ${claim.tenantId}::uuid, ${ttl === null ? 'active' : 'held'}::text,
             ${claim.request}::jsonb, ${claim.purpose}::text, v.price, ${ttl}::integer, ${duration}::integer,
             v.at + make_interval(secs => ${ttl}::integer),
             ${activeFrom} + make_interval(secs => ${duration}::integer), ${activeFrom}, v.at, v.at
        FROM verdict v WHERE v.fits AND v.found = ${claim.count}
      RETURNING *
    ), ledger AS (
      INSERT INTO inventory.allocation_gpu (allocation_id, gpu_id, root_gpu_id, node_id, provider_id, units, root_units,
                                            exclusive, price_per_hour_nano_usd, held_until, created_at)
      SELECT a.id, c.gpu_id, c.root_gpu_id, c.node_id, c.provider_id, ${share}::integer, c.root_units,
             ${share === wholeGpu}::boolean, ${pricePaid(share)}, a.held_until, a.created_at
        FROM allocation a, chosen c
      RETURNING *
    ), written AS (
      SELECT a.id, a.tenant_id, a.version, jsonb_build_object('after', jsonb_build_object(
               'state', a.state, 'request', a.request, 'purpose', a.purpose, 'heldUntil', a.held_until,
               'expiresAt', a.expires_at, 'gpuIds', (SELECT jsonb_agg(c.gpu_id ORDER BY c.gpu_id) FROM chosen c))) AS diff
        FROM allocation a
    ), touched AS (
      SELECT a.id AS allocation_id, a.tenant_id, c.gpu_id, c.node_id, c.provider_id, c.version + 1 AS version,
             c.used_units, c.active_units, ${share}::integer AS used_step,
             CASE WHEN a.held_until IS NULL THEN ${share}::integer ELSE 0 END AS active_step
        FROM allocation a, chosen c
    ), ${changed(tx.actor, events)}
    SELECT ${allocationColumns(sql`a.created_at`)}, ${gpusOf(sql`ledger l`)} AS gpus, ${touchedOf} AS touched,
           ${choice.possible} AS possible, (SELECT json_agg(c.gpu_id) FROM chosen c) AS found,
           (SELECT json_agg(json_build_object(
                     'gpuId', c.gpu_id, 'blocks', c.blocks, 'due', coalesce(c.held_until <= clock_timestamp(), false),
                     'taken', c.blocks = 0 OR c.used_units + ${share}::integer > c.total_units))
              FROM chosen c WHERE NOT c.fits) AS refused
      FROM verdict v LEFT JOIN allocation a ON true`)) as Row;
  const { possible, found, refused, ...written } = row;
  if (written.id === null) return { allocation: null, possible, found: found ?? [], refused: refused ?? [] };
  announce(tx, events, [written]);
  return { allocation: toView(written), possible, found: found ?? [], refused: [] };
}

type Row = Written & { possible: boolean; found: string[] | null; refused: Refused[] | null };

/** The reasons of the refused GPUs that may not be given out at all. */
export const unschedulable = (refused: readonly Refused[]) =>
  refused
    .filter(({ blocks }) => blocks !== 0)
    .map(({ gpuId, blocks }) => ({ gpuId, reasons: reasonsOf(blocks) }));

/**
 * Claims exactly these GPUs, in one statement that waits for whoever has them locked; they are locked in the order of
 * their ids, so that claims which overlap queue up instead of deadlocking.
 */
export const claimGpus = (
  tx: Transaction,
  gpuIds: readonly string[],
  claim: Claim,
): Promise<ClaimOutcome> => {
  const wanted = sql`${gpuIds}::uuid[]`;
  return take(tx, claim, {
    possible: sql`true`,
    ctes: sql`locked AS MATERIALIZED (
      SELECT ${claimColumns} FROM inventory.gpu_state s
       WHERE s.gpu_id = ANY(${wanted} || ${rootsOf(wanted)}) AND s.deleted_at IS NULL
       ORDER BY s.gpu_id FOR NO KEY UPDATE
    ), ${judged(claim.share, sql`s.gpu_id = ANY(${wanted})`)}, chosen AS (SELECT * FROM judged)`,
  });
};
