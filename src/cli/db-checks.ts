/** What must hold in the database at any moment. `sql` selects what does not: `subject` and, where it helps, `detail`. */
export interface Check {
  name: string;
  /** The rule in words. */
  rule: string;
  sql: string;
}

/** Every table whose rows carry a version, and what their change rows call them. */
const versioned = [
  { subject: 'provider', table: 'provider', id: 'id' },
  { subject: 'node', table: 'node', id: 'id' },
  { subject: 'gpu', table: 'gpu_state', id: 'gpu_id' },
  { subject: 'gpu_model', table: 'gpu_model', id: 'id' },
  { subject: 'tenant', table: 'tenant', id: 'id' },
  { subject: 'api_key', table: 'api_key', id: 'id' },
  { subject: 'allocation', table: 'allocation', id: 'id' },
  { subject: 'verification', table: 'verification', id: 'id' },
];

const versions = versioned
  .map(
    ({ subject, table, id }) =>
      `SELECT '${subject}' AS type, ${id}::text AS id, version FROM inventory.${table}`,
  )
  .join(' UNION ALL ');

/** Used and active units of each GPU as the ledger has them: its own shares, and those of its partitions. */
const ledger = `
  SELECT gpu_id, sum(units) AS used, sum(units) FILTER (WHERE held_until IS NULL) AS active
    FROM (SELECT gpu_id, units, held_until FROM inventory.allocation_gpu WHERE released_at IS NULL
           UNION ALL
          SELECT root_gpu_id, root_units, held_until FROM inventory.allocation_gpu
           WHERE released_at IS NULL AND root_gpu_id <> gpu_id) shares
   GROUP BY gpu_id`;

/**
 * The invariants that SQL can recompute: no double booking (I1), one effect for each idempotency key (I3), one change
 * for each version (I5), and that what is stored twice for speed is the same twice.
 */
export const checks: readonly Check[] = [
  {
    name: 'one-exclusive-use',
    rule: 'A GPU given out whole is given out once, and to nobody else in part',
    sql: `SELECT gpu_id AS subject, count(*) || ' live shares' AS detail FROM inventory.allocation_gpu
           WHERE released_at IS NULL GROUP BY gpu_id HAVING bool_or(exclusive) AND count(*) > 1`,
  },
  {
    name: 'used-units',
    rule: 'Used and active units of a GPU are what the ledger adds up to, and fit',
    sql: `SELECT s.gpu_id AS subject, format('%s of %s used, %s active; ledger %s and %s', s.used_units, s.total_units,
                   s.active_units, coalesce(l.used, 0), coalesce(l.active, 0)) AS detail
            FROM inventory.gpu_state s LEFT JOIN (${ledger}) l USING (gpu_id)
           WHERE s.used_units <> coalesce(l.used, 0) OR s.active_units <> coalesce(l.active, 0)
              OR NOT (0 <= s.active_units AND s.active_units <= s.used_units AND s.used_units <= s.total_units)`,
  },
  {
    name: 'hold-deadlines',
    rule: 'A GPU shows the earliest deadline of its holds',
    sql: `SELECT s.gpu_id AS subject FROM inventory.gpu_state s
            LEFT JOIN (SELECT gpu_id, min(held_until) AS held_until FROM inventory.allocation_gpu
                        WHERE released_at IS NULL GROUP BY gpu_id) l USING (gpu_id)
           WHERE s.held_until IS DISTINCT FROM l.held_until`,
  },
  {
    name: 'allocation-ledger',
    rule: 'An allocation has live shares as long as it lives, and none afterwards',
    sql: `SELECT a.id AS subject, format('%s with %s live shares', a.state, count(l.gpu_id)) AS detail
            FROM inventory.allocation a
            LEFT JOIN inventory.allocation_gpu l ON l.allocation_id = a.id AND l.released_at IS NULL
           GROUP BY a.id HAVING (a.state IN ('held', 'active', 'releasing')) <> (count(l.gpu_id) > 0)
              OR bool_or((l.held_until IS NOT NULL) <> (a.state = 'held'))`,
  },
  {
    name: 'quota-use',
    rule: 'What is counted against quotas is what the ledger adds up to, of every tenant that has any',
    sql: `SELECT u.tenant_id AS subject, format('%s thousandths counted, ledger %s', u.gpu_units, l.gpus) AS detail
            FROM inventory.tenant_usage u, LATERAL (
              SELECT coalesce(sum(l.root_units), 0) AS gpus, coalesce(sum(l.memory_mb), 0) AS memory,
                     coalesce(sum(l.root_units) FILTER (WHERE l.held_until IS NOT NULL), 0) AS held,
                     coalesce(sum(l.price_per_hour_nano_usd), 0) AS price
                FROM inventory.allocation a JOIN inventory.allocation_gpu l ON l.allocation_id = a.id
               WHERE a.tenant_id = u.tenant_id AND l.released_at IS NULL) l
           WHERE (u.gpu_units, u.memory_mb, u.held_units, u.price_per_hour_nano_usd)
              <> (l.gpus, l.memory, l.held, l.price)`,
  },
  {
    name: 'one-reply-per-key',
    rule: 'A committed idempotency key has its reply',
    sql: `SELECT encode(id, 'hex') AS subject FROM inventory.idempotency_key WHERE reply IS NULL`,
  },
  {
    name: 'one-change-per-version',
    rule: 'Every version of every object has exactly one change row',
    sql: `SELECT v.type || ' ' || v.id AS subject,
                 format('version %s, %s changes up to %s', v.version, count(c.id), max(c.version)) AS detail
            FROM (${versions}) v
            LEFT JOIN inventory.change c ON c.subject_type = v.type AND c.subject_id = v.id
           GROUP BY v.type, v.id, v.version
          HAVING count(c.id) <> v.version OR max(c.version) IS DISTINCT FROM v.version`,
  },
  {
    name: 'gpu-rows',
    rule: 'The rows of a GPU agree about where it is and whether it exists',
    sql: `SELECT coalesce(g.id, s.gpu_id) AS subject
            FROM inventory.gpu g FULL JOIN inventory.gpu_state s ON s.gpu_id = g.id
           WHERE g.id IS NULL OR s.gpu_id IS NULL
              OR (g.node_id, g.provider_id, g.vendor) IS DISTINCT FROM (s.node_id, s.provider_id, s.vendor)
              OR (g.deleted_at IS NULL) <> (s.deleted_at IS NULL)`,
  },
  {
    name: 'gpu-place',
    rule: 'A GPU that exists is on a node that exists, of the same provider, in the same region',
    sql: `SELECT s.gpu_id AS subject FROM inventory.gpu_state s JOIN inventory.node n ON n.id = s.node_id
           WHERE s.deleted_at IS NULL AND (n.deleted_at IS NOT NULL OR n.provider_id <> s.provider_id
              OR n.region <> s.region)`,
  },
  {
    name: 'node-place',
    rule: 'A node that exists is of a provider that exists, in a region of its own or in its',
    sql: `SELECT n.id AS subject FROM inventory.node n JOIN inventory.provider p ON p.id = n.provider_id
           WHERE n.deleted_at IS NULL AND (p.deleted_at IS NOT NULL OR n.region <> coalesce(n.own_region, p.region))`,
  },
  {
    name: 'partitions',
    rule: 'A partition is on the node of the GPU that it is a part of',
    sql: `SELECT s.gpu_id AS subject FROM inventory.gpu_state s
            JOIN inventory.gpu_state root ON root.gpu_id = s.root_gpu_id
           WHERE s.deleted_at IS NULL AND (root.node_id <> s.node_id OR root.deleted_at IS NOT NULL)`,
  },
  {
    name: 'hardware',
    rule: 'No hardware is registered twice',
    sql: `SELECT vendor || ' ' || uuid_key AS subject, count(*) || ' GPUs' AS detail FROM inventory.gpu
           WHERE deleted_at IS NULL GROUP BY vendor, uuid_key HAVING count(*) > 1`,
  },
  {
    name: 'orphans',
    rule: 'No heartbeat, reading or layer of a node or GPU that never was',
    sql: `SELECT 'heartbeat state of node ' || h.node_id AS subject FROM inventory.node_heartbeat h
           WHERE NOT EXISTS (SELECT FROM inventory.node n WHERE n.id = h.node_id)
           UNION ALL
          SELECT 'telemetry of GPU ' || t.gpu_id FROM inventory.gpu_telemetry t
           WHERE NOT EXISTS (SELECT FROM inventory.gpu g WHERE g.id = t.gpu_id)
           UNION ALL
          SELECT 'health of ' || c.subject_id FROM inventory.check_state c
           WHERE NOT EXISTS (SELECT FROM inventory.gpu g WHERE g.id = c.subject_id)
             AND NOT EXISTS (SELECT FROM inventory.node n WHERE n.id = c.subject_id)`,
  },
  {
    name: 'keys-of-the-gone',
    rule: 'No usable key of a provider or node that is deleted',
    sql: `SELECT k.id AS subject, k.role AS detail FROM inventory.api_key k
            LEFT JOIN inventory.provider p ON p.id = k.provider_id
            LEFT JOIN inventory.node n ON n.id = k.node_id
           WHERE k.revoked_at IS NULL AND (p.deleted_at IS NOT NULL OR n.deleted_at IS NOT NULL
              OR (k.provider_id IS NOT NULL AND p.id IS NULL) OR (k.node_id IS NOT NULL AND n.id IS NULL))`,
  },
];

/** What there is, for the head of the report. */
export const countsSql = `
  SELECT (SELECT count(*)::int FROM inventory.provider WHERE deleted_at IS NULL) AS providers,
         (SELECT count(*)::int FROM inventory.node WHERE deleted_at IS NULL) AS nodes,
         (SELECT count(*)::int FROM inventory.gpu WHERE deleted_at IS NULL) AS gpus,
         (SELECT count(*)::int FROM inventory.tenant) AS tenants,
         (SELECT count(*)::int FROM inventory.allocation) AS allocations,
         (SELECT count(*)::int FROM inventory.allocation_gpu WHERE released_at IS NULL) AS "liveShares",
         (SELECT count(*)::int FROM inventory.change) AS changes`;
