import sql from 'sql-template-tag';
import type { RequestContext } from '../../../kernel/context.ts';
import type { Database } from '../../../kernel/db/database.ts';
import type { Transaction } from '../../../kernel/db/transaction.ts';
import { newId } from '../../../kernel/ids.ts';
import type { CatalogueApi } from '../../catalogue/index.ts';
import { specMismatches } from '../../catalogue/index.ts';
import type { HardwareClaim } from './errors.ts';
import { hardwareKey } from './identity.ts';
import type { StoredGpu } from './state.ts';

/** A contradiction to be on record; `subjectKey` says what it is about, one open finding for each. */
interface NewFinding {
  kind: string;
  subjectKey: string;
  providerId: string;
  nodeId: string | null;
  gpuId: string | null;
  detail: object;
}

interface FindingRow {
  id: string;
  version: number;
  kind: string;
  providerId: string;
  nodeId: string | null;
  gpuId: string | null;
  detail: object;
}

const returned = sql`f.id, f.version, f.kind, f.provider_id, f.node_id, f.gpu_id, f.detail`;

const recordFindings = (
  tx: Transaction,
  verb: 'opened' | 'resolved',
  rows: readonly FindingRow[],
): Promise<void> =>
  tx.record(
    ...rows.map(({ id, version, kind, providerId, nodeId, gpuId, detail }) => ({
      type: `finding.${verb}`,
      subject: { type: 'finding', id },
      version,
      diff: { after: { kind, gpuId, detail, state: verb === 'opened' ? 'open' : 'resolved' } },
      providerId,
      nodeId,
    })),
  );

/** Opens findings that are not open yet. */
export async function openFindings(tx: Transaction, findings: readonly NewFinding[]): Promise<void> {
  if (findings.length === 0) return;
  const rows = findings.map(({ subjectKey, providerId, nodeId, gpuId, ...finding }) => ({
    ...finding,
    id: newId(),
    subject_key: subjectKey,
    provider_id: providerId,
    node_id: nodeId,
    gpu_id: gpuId,
  }));
  const opened = await tx.rows<FindingRow>(sql`/* inventory:open_findings */
    INSERT INTO inventory.finding AS f (id, kind, subject_key, provider_id, node_id, gpu_id, detail)
    SELECT id, kind, subject_key, provider_id, node_id, gpu_id, detail
      FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
        AS r(id uuid, kind text, subject_key text, provider_id uuid, node_id uuid, gpu_id uuid, detail jsonb)
     ORDER BY kind, provider_id, subject_key
    ON CONFLICT (kind, provider_id, subject_key) WHERE state = 'open' DO NOTHING
    RETURNING ${returned}`);
  await recordFindings(tx, 'opened', opened);
}

/** Resolves the open findings of a kind about these GPUs: what they said no longer holds. */
export async function resolveFindings(
  tx: Transaction,
  kind: string,
  gpuIds: readonly string[],
): Promise<void> {
  if (gpuIds.length === 0) return;
  const resolved = await tx.rows<FindingRow>(sql`/* inventory:resolve_findings */
    UPDATE inventory.finding f
       SET state = 'resolved', resolution = 'no_longer_holds', version = version + 1,
           resolved_at = inventory.moment_after(created_at)
     WHERE f.gpu_id = ANY(${gpuIds}::uuid[]) AND f.kind = ${kind} AND f.state = 'open'
    RETURNING ${returned}`);
  await recordFindings(tx, 'resolved', resolved);
}

/** Opens a finding for each GPU that contradicts its model, and resolves those of GPUs that no longer do. */
export async function reviewSpecs(
  tx: Transaction,
  catalogue: CatalogueApi,
  gpus: readonly StoredGpu[],
): Promise<void> {
  const reviewed = gpus.map((gpu) => {
    const model = catalogue.model(gpu.modelId);
    return { gpu, mismatches: model ? specMismatches(gpu, model) : [] };
  });
  const wrong = reviewed.filter(({ mismatches }) => mismatches.length > 0);
  const right = reviewed.filter(({ mismatches }) => mismatches.length === 0);
  await openFindings(
    tx,
    wrong.map(({ gpu: { id, providerId, nodeId, modelId }, mismatches }) => ({
      kind: 'spec_mismatch',
      subjectKey: id,
      providerId,
      nodeId,
      gpuId: id,
      detail: { modelId, mismatches },
    })),
  );
  await resolveFindings(
    tx,
    'spec_mismatch',
    right.map(({ gpu }) => gpu.id),
  );
}

/**
 * Puts refused claims on record, the one thing that a refused request leaves behind. A claimant that went away with
 * the request (a provider that was to be made with these GPUs) is nobody's to ask: the holder is told instead.
 */
export async function openConflictFindings(
  db: Database,
  ctx: RequestContext,
  claims: readonly HardwareClaim[],
): Promise<void> {
  if (claims.length === 0) return;
  await db.write({ ...ctx, idempotency: null }, async (tx) => {
    const claimants = await tx.rows<{ id: string }>(sql`/* inventory:claimants */
      SELECT id FROM inventory.provider WHERE id = ANY(${claims.map(({ providerId }) => providerId)}::uuid[])`);
    const existing = new Set(claimants.map(({ id }) => id));
    await openFindings(
      tx,
      claims.map(({ hardware, providerId, nodeId, holder }) => ({
        kind: 'hardware_conflict',
        subjectKey: hardwareKey(hardware),
        providerId: existing.has(providerId) ? providerId : holder.providerId,
        nodeId: existing.has(providerId) ? nodeId : null,
        gpuId: holder.gpuId,
        detail: { vendor: hardware.vendor, uuid: hardware.uuid },
      })),
    );
  });
}
