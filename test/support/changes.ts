import type pg from 'pg';

/** Every versioned table, by the subject type of its change rows. */
const versioned = {
  provider: 'inventory.provider',
  node: 'inventory.node',
  gpu: '(SELECT gpu_id AS id, version FROM inventory.gpu_state)',
  gpu_model: 'inventory.gpu_model',
  tenant: 'inventory.tenant',
  api_key: 'inventory.api_key',
  finding: 'inventory.finding',
  verification: 'inventory.verification',
  allocation: 'inventory.allocation',
  breaker: 'inventory.breaker_trip',
  maintenance_window: 'inventory.maintenance_window',
  process_list: '(SELECT gpu_id AS id, version FROM inventory.gpu_process_list)',
};

/** An object whose version and change rows disagree. */
export interface VersionFault {
  subject: string;
  id: string;
  version: number;
  changes: number[];
}

/**
 * The rule "a version more ⇔ one change row", over all objects: of each the versions in its change rows are
 * 1, 2, … up to its version. Returns those that break it.
 */
export async function versionFaults(owner: pg.Pool): Promise<VersionFault[]> {
  const objects = Object.entries(versioned)
    .map(([subject, table]) => `SELECT '${subject}' AS subject, id::text, version FROM ${table} AS t`)
    .join(' UNION ALL ');
  const { rows } = await owner.query<VersionFault>(`
    SELECT o.subject, o.id, o.version::int AS version, coalesce(c.versions, '{}') AS changes
      FROM (${objects}) o
      LEFT JOIN (SELECT subject_type, subject_id, array_agg(version::int ORDER BY version) AS versions
                   FROM inventory.change GROUP BY subject_type, subject_id) c
        ON c.subject_type = o.subject AND c.subject_id = o.id
     WHERE c.versions IS DISTINCT FROM ARRAY(SELECT generate_series(1, o.version::int))`);
  return rows;
}

/** Change rows of subjects since a moment in the log, oldest first: `['gpu.created', …]` of what a request did. */
export async function changesAfter(owner: pg.Pool, changeId: number): Promise<string[]> {
  const { rows } = await owner.query<{ type: string }>(
    'SELECT type FROM inventory.change WHERE id > $1 ORDER BY id',
    [changeId],
  );
  return rows.map(({ type }) => type);
}

/** Where the change log ends now. */
export async function lastChange(owner: pg.Pool): Promise<number> {
  const { rows } = await owner.query<{ id: number }>(
    'SELECT coalesce(max(id), 0)::int AS id FROM inventory.change',
  );
  return rows[0]?.id ?? 0;
}
