import { gates } from '../kernel/gates.ts';

/** What must hold in the database at any moment. `sql` selects what does not: `subject` and, where it helps, `detail`. */
export interface Check {
  name: string;
  /** The rule in words. */
  rule: string;
  sql: string;
}

/** What drift does not cover: faults that no program can repair by itself. */
export const checks: readonly Check[] = [
  {
    name: 'one-reply-per-key',
    rule: 'A committed idempotency key has its reply',
    sql: `SELECT encode(id, 'hex') AS subject FROM inventory.idempotency_key WHERE reply IS NULL`,
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
    rule: 'A partition is on the node of the GPU that it is a part of, or kept back',
    sql: `SELECT s.gpu_id AS subject FROM inventory.gpu_state s
            JOIN inventory.gpu_state root ON root.gpu_id = s.root_gpu_id
           WHERE s.deleted_at IS NULL AND (root.deleted_at IS NOT NULL
              OR root.node_id <> s.node_id AND s.blocks & ${gates.parent_gpu_blocked} = 0)`,
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
