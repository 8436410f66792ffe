import sql, { type Sql } from 'sql-template-tag';
import type { Transaction } from '../../../kernel/db/transaction.ts';
import { newId } from '../../../kernel/ids.ts';
import { wholeGpu } from '../life/domain.ts';
import { announce, changed, type Events, touchedOf, toView, type Written } from '../record.ts';
import { allocationColumns, gpusOf } from '../view.ts';
import type { Choice, Claim, ClaimOutcome, Refused } from './claim.ts';

/** What a share costs by the hour, rounded to a nano-USD; NULL for an unpriced GPU. */
const priceOf = (share: number): Sql =>
  sql`round(c.price_per_hour_nano_usd::numeric * ${share}::integer / ${wholeGpu}::integer)`;

/** The memory of a share in MiB, rounded up; NULL where the GPU's is unknown. */
const memoryOf = (share: number): Sql =>
  sql`ceil(c.memory_total_mb::numeric * ${share}::integer / ${wholeGpu}::integer)`;

/** One row: how many GPUs were chosen, whether all fit, what they cost together, and the time after the locks. */
export const verdict = ({ share }: Claim): Sql => sql`verdict AS MATERIALIZED (
  SELECT count(*) AS found, bool_and(c.fits) AS fits, clock_timestamp() AS at,
         CASE WHEN count(c.price_per_hour_nano_usd) = count(*) THEN sum(${priceOf(share)}) END AS price
    FROM chosen c
)`;

/** The allocation, if every GPU is there and fits; else no row, and none in what follows from it. */
function allocation(claim: Claim): Sql {
  const { tenantId, count, holdTtlS, durationS, onInterruption, graceS, purpose, request } = claim;
  const state = holdTtlS === null ? 'active' : 'held';
  const activeFrom = holdTtlS === null ? sql`v.at` : sql`NULL::timestamptz`;
  return sql`allocation AS (
    INSERT INTO inventory.allocation (id, tenant_id, state, request, purpose, price_per_hour_nano_usd, hold_ttl_s,
                                      duration_s, on_interruption, grace_s, held_until, expires_at, activated_at,
                                      created_at, updated_at)
    SELECT ${newId()}::uuid, ${tenantId}::uuid, ${state}::text, ${request}::jsonb, ${purpose}::text, v.price,
           ${holdTtlS}::integer, ${durationS}::integer, ${onInterruption}::text, ${graceS}::integer, v.at + make_interval(secs => ${holdTtlS}::integer),
           ${activeFrom} + make_interval(secs => ${durationS}::integer), ${activeFrom}, v.at, v.at
      FROM verdict v WHERE v.fits AND v.found = ${count}
    RETURNING *
  )`;
}

/** The rows of the ledger: of `allocation` and all that is `chosen`. */
export const ledger = ({ share }: Claim): Sql => sql`ledger AS (
  INSERT INTO inventory.allocation_gpu (allocation_id, gpu_id, root_gpu_id, node_id, provider_id, units, root_units,
                                        root_memory_units, exclusive, price_per_hour_nano_usd, memory_mb, held_until, created_at)
  SELECT a.id, c.gpu_id, c.root_gpu_id, c.node_id, c.provider_id, ${share}::integer, c.root_units,
         c.root_memory_units, ${share === wholeGpu}::boolean, ${priceOf(share)}, ${memoryOf(share)}, a.held_until, a.created_at
    FROM allocation a, chosen c
  RETURNING *
)`;

/** What the change rows are made of. */
const recorded = ({ share }: Claim): Sql => sql`written AS (
  SELECT a.id, a.tenant_id, a.version, jsonb_build_object('after', jsonb_build_object(
           'state', a.state, 'request', a.request, 'purpose', a.purpose, 'heldUntil', a.held_until,
           'expiresAt', a.expires_at, 'gpuIds', (SELECT jsonb_agg(c.gpu_id ORDER BY c.gpu_id) FROM chosen c))) AS diff
    FROM allocation a
), touched AS (
  SELECT a.id AS allocation_id, a.tenant_id, c.gpu_id, c.node_id, c.provider_id, c.version + 1 AS version,
         c.used_units, c.active_units, ${share}::integer AS used_step,
         CASE WHEN a.held_until IS NULL THEN ${share}::integer ELSE 0 END AS active_step, false AS dirty
    FROM allocation a, chosen c
)`;

interface Row extends Omit<Written, 'id'> {
  id: string | null;
  possible: boolean;
  found?: string[] | null;
  refused?: Refused[] | null;
  mixed?: boolean;
}

/**
 * Takes the chosen GPUs in one statement: locks, allocation, ledger and change rows; the ledger's trigger moves
 * `gpu_state`. All or nothing: where one GPU does not fit, or one is missing, nothing is written and the outcome says
 * why. "Is there room" and "take it" in one query is Omicron's way of placing sleds.
 *
 * @see https://github.com/oxidecomputer/omicron/blob/main/nexus/db-queries/src/db/queries/sled_reservation.rs
 */
export async function take(tx: Transaction, claim: Claim, choice: Choice): Promise<ClaimOutcome> {
  const gpuEvent = claim.holdTtlS === null ? 'allocated' : 'held';
  const events: Events = { allocation: 'created', gpu: gpuEvent, reason: null };
  const row = (await tx.row<Row>(sql`/* allocations:claim */
    WITH ${choice.ctes}, ${verdict(claim)}, ${allocation(claim)}, ${ledger(claim)}, ${recorded(claim)},
         ${changed(tx.actor, events)}
    SELECT ${allocationColumns(sql`a.created_at`)}, ${gpusOf(sql`ledger l`)} AS gpus, ${touchedOf} AS touched,
           ${choice.possible} AS possible${choice.met}
      FROM verdict v LEFT JOIN allocation a ON true`)) as Row;
  const { id, possible, found, refused: against, mixed = false, ...rest } = row;
  const facts = { possible, found: found ?? [], refused: against ?? [], mixed };
  if (id === null) return { allocation: null, ...facts };
  const written = { id, ...rest };
  announce(tx, events, [written]);
  return { allocation: toView(written), ...facts };
}
