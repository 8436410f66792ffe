import sql, { raw, type Sql } from 'sql-template-tag';

/** Nodes that may be heard, for pacing: all but those that are known to be gone. */
export const countFleet = sql`/* liveness:count_fleet */
  SELECT count(*) AS nodes FROM inventory.node_heartbeat WHERE liveness <> 'offline'`;

/**
 * Whoever changes a node's liveness holds its row of `node` first, as snapshots and deletions do, and takes its
 * heartbeat's row and its GPUs after it: one order, so no deadlock, and no GPU can appear unseen in between.
 */
export const lockNodes = (ids: readonly string[], skipLocked: boolean): Sql => sql`/* liveness:lock_nodes */
  SELECT id FROM inventory.node WHERE id = ANY(${ids}::uuid[]) AND deleted_at IS NULL
   ORDER BY id FOR NO KEY UPDATE ${raw(skipLocked ? 'SKIP LOCKED' : '')}`;

/** Whole milliseconds, cut off as everywhere where a moment is shown. */
const epochMs = (moment: Sql): Sql => sql`floor(extract(epoch FROM ${moment}) * 1000)::bigint`;

/** One row for each heartbeat, in input order. */
export interface StoredRow {
  /**
   * `stale`: kept in history as not accepted. `foreign`: not a node of the caller's. `refused`: its request holds a
   * foreign one. `moving`: a node of its request would change its liveness or maintenance; nothing was stored.
   */
  outcome: 'accepted' | 'stale' | 'foreign' | 'refused' | 'moving';
  /** Milliseconds of the epoch, by the database's clock after the locks. */
  at: number;
  deadline: number;
  /** This heartbeat is now the node's latest; then those below say what was before. */
  latest: boolean;
  liveness: string;
  reason: string | null;
  status: string | null;
  flapping: boolean;
}

/**
 * Stores heartbeats of any number of nodes in one statement: all of them in history, of each node the one with the
 * highest sequence as its latest state, and that one's readings of the GPUs that the node has. Nothing in it can raise
 * for one row alone: ranges are checked before, and unknown nodes and uuids become outcomes.
 *
 * `rows` is a JSON array of `{request, position, id, viewer, nodeId, sequence, sentAt, status, systemMetrics, gpus}`;
 * rows of one `request` are stored all or none, `viewer` is the provider whose nodes they must be. Latest states are
 * locked in the order of node ids, so that two batches cannot deadlock. Without `mayMove` a request that would change
 * a node's liveness is left alone: that takes the node's lock first, and never holds up the others.
 */
export const storeHeartbeats = (
  rows: string,
  windowMs: number,
  mayMove: boolean,
): Sql => sql`/* liveness:store_heartbeats */
  WITH input AS (
    SELECT * FROM jsonb_to_recordset(${rows}::jsonb)
      AS i(request integer, position integer, id uuid, viewer uuid, "nodeId" uuid, sequence bigint,
           "sentAt" timestamptz, status text, "systemMetrics" jsonb, gpus jsonb)
  ), state AS MATERIALIZED (
    SELECT h.node_id, h.provider_id, h.liveness, h.reason, h.status, h.sequence, h.deadline_at, h.flapping_since
      FROM inventory.node_heartbeat h WHERE h.node_id IN (SELECT i."nodeId" FROM input i)
     ORDER BY h.node_id FOR NO KEY UPDATE
  ), moment AS MATERIALIZED (
    SELECT clock_timestamp() AS at FROM (SELECT count(*) FROM state) AS locked
  ), compared AS (
    SELECT i.*, s.provider_id, s.liveness, s.reason, s.status AS last_status, s.sequence AS last_sequence, s.deadline_at,
           s.flapping_since IS NOT NULL AS flapping,
           s.node_id IS NULL OR s.provider_id IS DISTINCT FROM coalesce(i.viewer, s.provider_id) AS alien,
           NOT ${mayMove}::boolean AND i.sequence > coalesce(s.sequence, -1)
             AND (s.liveness <> 'online' OR (i.status = 'maintenance') <> (s.status = 'maintenance')) AS moves
      FROM input i LEFT JOIN state s ON s.node_id = i."nodeId"
  ), admitted AS (
    SELECT *, bool_or(alien) OVER by_request AS refused, coalesce(bool_or(moves) OVER by_request, false) AS moving
      FROM compared WINDOW by_request AS (PARTITION BY request)
  ), judged AS MATERIALIZED (
    SELECT *, sequence > greatest(last_sequence, -1, max(sequence) FILTER (WHERE NOT (refused OR moving)) OVER (
                PARTITION BY "nodeId" ORDER BY position ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) AS newer
      FROM admitted
  ), latest AS MATERIALIZED (
    SELECT DISTINCT ON ("nodeId") * FROM judged WHERE newer AND NOT (refused OR moving)
     ORDER BY "nodeId", sequence DESC
  ), history AS (
    INSERT INTO inventory.heartbeat (id, node_id, provider_id, sequence, sent_at, received_at, status, accepted,
                                     system_metrics, gpus)
    SELECT j.id, j."nodeId", j.provider_id, j.sequence, j."sentAt", m.at, j.status, j.newer, j."systemMetrics", j.gpus
      FROM judged j, moment m WHERE NOT (j.refused OR j.moving)
  ), heard AS (
    UPDATE inventory.node_heartbeat h
       SET liveness = 'online', reason = NULL, status = l.status, sequence = l.sequence, last_heartbeat_at = m.at,
           deadline_at = m.at + ${windowMs}::double precision * interval '1 millisecond',
           changed_at = CASE WHEN h.liveness = 'online' THEN h.changed_at
                             ELSE greatest(m.at, h.changed_at + interval '1 microsecond') END,
           system_metrics = l."systemMetrics", breaker_id = NULL
      FROM latest l, moment m WHERE h.node_id = l."nodeId"
  ), readings AS (
    INSERT INTO inventory.gpu_telemetry AS t (gpu_id, at, utilization, memory_used_mb, memory_utilization,
        temperature_c, power_draw_w, fan_speed, sm_clock_mhz, memory_clock_mhz, ecc_uncorrected, xid_errors)
    SELECT DISTINCT ON (g.id) g.id, m.at, r.utilization, r."memoryUsedMb", r."memoryUtilization", r."temperatureC",
           r."powerDrawW", r."fanSpeed", r."smClockMhz", r."memoryClockMhz", r."eccUncorrected",
           coalesce(r."xidErrors", '{}')
      FROM latest l CROSS JOIN moment m CROSS JOIN
           jsonb_to_recordset(l.gpus) AS r(uuid text, utilization double precision, "memoryUsedMb" integer,
             "memoryUtilization" double precision, "temperatureC" double precision, "powerDrawW" double precision,
             "fanSpeed" double precision, "smClockMhz" integer, "memoryClockMhz" integer, "eccUncorrected" bigint,
             "xidErrors" integer[])
      JOIN inventory.gpu g ON g.node_id = l."nodeId" AND g.uuid_key = lower(btrim(r.uuid)) AND g.deleted_at IS NULL
     ORDER BY g.id
    ON CONFLICT (gpu_id) DO UPDATE
       SET at = excluded.at, utilization = excluded.utilization, memory_used_mb = excluded.memory_used_mb,
           memory_utilization = excluded.memory_utilization, temperature_c = excluded.temperature_c,
           power_draw_w = excluded.power_draw_w, fan_speed = excluded.fan_speed, sm_clock_mhz = excluded.sm_clock_mhz,
           memory_clock_mhz = excluded.memory_clock_mhz, ecc_uncorrected = excluded.ecc_uncorrected,
           xid_errors = excluded.xid_errors
  )
  SELECT CASE WHEN j.alien THEN 'foreign' WHEN j.refused THEN 'refused' WHEN j.moving THEN 'moving'
              WHEN j.newer THEN 'accepted' ELSE 'stale' END AS outcome,
         ${epochMs(sql`m.at`)} AS at,
         CASE WHEN j.newer OR j.deadline_at IS NULL THEN ${epochMs(sql`m.at`)} + ${windowMs}::bigint
              ELSE ${epochMs(sql`j.deadline_at`)} END AS deadline,
         l.id IS NOT NULL AS latest, j.liveness, j.reason, j.last_status AS status, j.flapping
    FROM moment m, judged j LEFT JOIN latest l ON l.id = j.id
   ORDER BY j.position`;

/** What a sweep goes by: one moment for all its decisions, RFC 3339 to the microsecond. */
export interface SweepStart {
  /** False while another replica sweeps: the breaker has to see everything that expires together. */
  mine: boolean;
  at: string;
}

/** A moment as RFC 3339 to the microsecond: a `Date` would cut it. */
const textOf = (moment: Sql): Sql =>
  sql`to_char((${moment}) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

export const readClock = sql`/* liveness:read_clock */ SELECT ${textOf(sql`clock_timestamp()`)} AS at`;

export const startSweep = (now: Sql): Sql => sql`/* liveness:start_sweep */
  SELECT pg_try_advisory_xact_lock(hashtext('inventory.liveness.sweep')) AS mine, ${textOf(now)} AS at`;

/** Seconds after a moment, as SQL. */
const after = (moment: Sql, seconds: number): Sql => sql`${moment} + make_interval(secs => ${seconds})`;

/** Conditions over `inventory.node_heartbeat h`. */
export const isOverdue = (at: string): Sql =>
  sql`h.liveness = 'online' AND h.breaker_id IS NULL AND h.deadline_at <= ${at}::timestamptz`;
export const isExpired = (at: string, graceS: number): Sql =>
  sql`h.liveness IN ('online', 'late') AND h.breaker_id IS NULL AND ${after(sql`h.deadline_at`, graceS)} <= ${at}::timestamptz`;
/** The breaker holds it back, and it does not read so yet. */
export const isHeld = sql`h.liveness IN ('online', 'late') AND h.breaker_id IS NOT NULL`;
/** Still not heard, in the window that it got when the breaker was released. */
export const isSpent = (at: string, graceS: number): Sql =>
  sql`h.liveness = 'unknown' AND h.breaker_id IS NULL AND ${after(sql`h.deadline_at`, graceS)} <= ${at}::timestamptz`;
/** Flapped, and has been online without a break for long enough. */
export const isSettled = (at: string, stableS: number): Sql =>
  sql`h.flapping_since IS NOT NULL AND h.liveness = 'online' AND ${after(sql`h.changed_at`, stableS)} <= ${at}::timestamptz`;

export interface Watch {
  /** Nodes online or late that the breaker does not hold back, how many of them are past their deadline and not yet late, and past its grace too. */
  watched: number;
  overdue: number;
  expiring: number;
  /** Those that are expiring, or would be within `togetherS`. */
  soon: number;
  /** Nodes that the breaker does not hold back any more, and that were not heard since. */
  spent: number;
  /** Nodes that flap no more. */
  settled: number;
  /** Nodes that the breaker holds back and that have to become unknown. */
  held: number;
}

interface Limits {
  graceS: number;
  flappingStableS: number;
  /** How far apart nodes may expire that fell silent together. */
  togetherS: number;
}

/** Past the deadline, and past its grace before long. */
const expiresSoon = (at: string, { graceS, togetherS }: Limits): Sql =>
  isExpired(at, Math.max(0, graceS - togetherS));

/** One look at all nodes: no column that heartbeats change has an index, which keeps their updates in place. */
export const watchNodes = (at: string, limits: Limits): Sql => sql`/* liveness:watch_nodes */
  SELECT count(*) FILTER (WHERE h.liveness <> 'unknown' AND h.breaker_id IS NULL) AS watched, count(*) FILTER (WHERE ${isOverdue(at)}) AS overdue,
         count(*) FILTER (WHERE ${isExpired(at, limits.graceS)}) AS expiring,
         count(*) FILTER (WHERE ${expiresSoon(at, limits)}) AS soon,
         count(*) FILTER (WHERE ${isSpent(at, limits.graceS)}) AS spent,
         count(*) FILTER (WHERE ${isSettled(at, limits.flappingStableS)}) AS settled,
         count(*) FILTER (WHERE ${isHeld}) AS held
    FROM inventory.node_heartbeat h WHERE h.liveness IN ('online', 'late', 'unknown')`;

export const findNodes = (due: Sql, limit: number): Sql => sql`/* liveness:find_nodes */
  SELECT h.node_id FROM inventory.node_heartbeat h WHERE ${due} ORDER BY h.deadline_at LIMIT ${limit}`;

export interface TurnedRow {
  nodeId: string;
  status: string | null;
  liveness: string;
  reason: string | null;
  flapping: boolean;
  livenessBefore: string;
  reasonBefore: string | null;
}

/** Turns those of the nodes that are still due when their rows are locked: a heartbeat may have come in between. */
export const turnNodes = (
  ids: readonly string[],
  due: Sql,
  to: { liveness: string; reason: string; at: string },
): Sql => sql`/* liveness:turn_nodes */
  WITH due AS (
    SELECT h.node_id, h.liveness, h.reason FROM inventory.node_heartbeat h
     WHERE h.node_id = ANY(${ids}::uuid[]) AND ${due} ORDER BY h.node_id FOR NO KEY UPDATE
  )
  UPDATE inventory.node_heartbeat h
     SET liveness = ${to.liveness}, reason = ${to.reason},
         changed_at = greatest(${to.at}::timestamptz, h.changed_at + interval '1 microsecond')
    FROM due WHERE h.node_id = due.node_id
  RETURNING h.node_id, h.status, h.liveness, h.reason, h.flapping_since IS NOT NULL AS flapping,
            due.liveness AS liveness_before, due.reason AS reason_before`;

/** Ends the flapping of those nodes that still are settled when their rows are locked. */
export const settleNodes = (ids: readonly string[], due: Sql): Sql => sql`/* liveness:settle_nodes */
  WITH due AS (
    SELECT h.node_id FROM inventory.node_heartbeat h
     WHERE h.node_id = ANY(${ids}::uuid[]) AND ${due} ORDER BY h.node_id FOR NO KEY UPDATE
  )
  UPDATE inventory.node_heartbeat h SET flapping_since = NULL FROM due WHERE h.node_id = due.node_id
  RETURNING h.node_id, h.status, h.liveness, h.reason, false AS flapping, h.liveness AS liveness_before,
            h.reason AS reason_before`;
