import sql, { raw, type Sql } from 'sql-template-tag';
import type { Transaction } from './db/transaction.ts';
import type { DriftClass } from './drift.ts';

interface VersionedTable {
  table: string;
  id: string;
  /** Columns that say whose an object is, as change rows have them; what is not named there is not known here. */
  providerId?: string;
  nodeId?: string;
  tenantId?: string;
}

const owned = { providerId: 'provider_id', nodeId: 'node_id' };

/** Every table whose rows carry a version, by what change rows call its objects. */
export const versionedTables = {
  provider: { table: 'provider', id: 'id', providerId: 'id' },
  node: { table: 'node', id: 'id', providerId: 'provider_id', nodeId: 'id' },
  gpu: { table: 'gpu_state', id: 'gpu_id', ...owned },
  gpu_model: { table: 'gpu_model', id: 'id' },
  tenant: { table: 'tenant', id: 'id', tenantId: 'id' },
  api_key: { table: 'api_key', id: 'id', ...owned, tenantId: 'tenant_id' },
  allocation: { table: 'allocation', id: 'id', tenantId: 'tenant_id' },
  verification: { table: 'verification', id: 'id', ...owned },
  finding: { table: 'finding', id: 'id', ...owned },
  process_list: { table: 'gpu_process_list', id: 'gpu_id' },
} as const satisfies Readonly<Record<string, VersionedTable>>;

export type VersionedSubject = keyof typeof versionedTables;

const column = (name: string | undefined, type: string): Sql =>
  name === undefined ? raw(`NULL::${type}`) : raw(`o.${name}`);

/** Versions of objects that no change row tells of. */
function unrecorded(subject: VersionedSubject, which: Sql = sql`true`): Sql {
  const { table, id, providerId, nodeId, tenantId }: VersionedTable = versionedTables[subject];
  return sql`
    SELECT o.id, v.version, o.provider_id, o.node_id, o.tenant_id
      FROM (SELECT ${column(id, 'text')} AS id, o.version, ${column(providerId, 'uuid')} AS provider_id,
                   ${column(nodeId, 'uuid')} AS node_id, ${column(tenantId, 'uuid')} AS tenant_id
              FROM ${raw(`inventory.${table}`)} o) o, generate_series(1, o.version) AS v(version)
     WHERE ${which} AND NOT EXISTS (
       SELECT FROM inventory.change c
        WHERE c.subject_type = ${raw(`'${subject}'`)} AND c.subject_id = o.id::text AND c.version = v.version)`;
}

/** Adds the change rows that are missing: what changed is not known any more, that something did is. */
async function record(tx: Transaction, subject: VersionedSubject, which: Sql): Promise<void> {
  const { type, id, requestId } = tx.actor;
  const rows = await tx.rows<{ id: string; version: number }>(sql`/* core:record_versions */
    INSERT INTO inventory.change (type, subject_type, subject_id, version, actor_type, actor_id, request_id, reason,
                                  provider_id, node_id, tenant_id)
    SELECT ${`${subject}.reconciled`}, ${subject}, u.id::text, u.version, ${type}, ${id}, ${requestId}, 'reconciled',
           u.provider_id, u.node_id, u.tenant_id
      FROM (${unrecorded(subject, which)}) u ORDER BY u.id, u.version
    RETURNING subject_id AS id, version`);
  for (const { id: subjectId, version } of rows) {
    tx.changes.push({ type: `${subject}.reconciled`, subject: { type: subject, id: subjectId }, version });
  }
}

/** Change rows for the versions that these objects have got without one. */
export const recordVersions = (
  tx: Transaction,
  subject: VersionedSubject,
  ids: readonly string[],
): Promise<void> => record(tx, subject, sql`o.id = ANY(${ids}::uuid[])`);

/** Versions that somebody made past the service: a hand in `psql`, say. */
export const unrecordedVersions: readonly DriftClass[] = (
  Object.keys(versionedTables) as VersionedSubject[]
).map((subject) => ({
  name: `unrecorded-${subject.replace('_', '-')}-version`,
  rule: 'Every version of every object has a change row',
  find: sql`SELECT u.id::text AS subject, 'version ' || u.version AS detail FROM (${unrecorded(subject)}) u`,
  repair: (tx) => record(tx, subject, sql`true`),
}));
