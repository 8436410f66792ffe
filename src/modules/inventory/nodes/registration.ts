import sql from 'sql-template-tag';
import type { Transaction } from '../../../kernel/db/transaction.ts';
import { newId } from '../../../kernel/ids.ts';
import { joinProviderWindow } from '../maintenance/store.ts';
import { type NodeRow, nodeColumns } from './view.ts';

export interface NodeInput {
  hostname: string;
  region?: string | null;
  zone?: string | null;
  labels?: Record<string, string>;
  system?: object;
}

/** Inserts nodes of one provider, with their first liveness (`pending`) and their change rows, in input order. */
export async function insertNodes(
  tx: Transaction,
  provider: { id: string; region: string },
  inputs: readonly NodeInput[],
): Promise<NodeRow[]> {
  if (inputs.length === 0) return [];
  const rows = inputs.map((input, index) => ({
    ...input,
    id: newId(),
    index,
    effective_region: input.region ?? provider.region,
  }));
  // The rows of node_heartbeat come first: the columns of a node read them.
  await tx.execute(sql`/* inventory:insert_node_heartbeats */
    INSERT INTO inventory.node_heartbeat (node_id, provider_id)
    SELECT id, ${provider.id}::uuid FROM unnest(${rows.map(({ id }) => id)}::uuid[]) AS id`);
  const inserted = await tx.rows<NodeRow>(sql`/* inventory:insert_nodes */
    INSERT INTO inventory.node AS n (id, provider_id, hostname, own_region, region, zone, labels, system)
    SELECT i.id, ${provider.id}, i.hostname, i.region, i.effective_region, i.zone, coalesce(i.labels, '{}'),
           coalesce(i.system, '{}')
      FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
        AS i(id uuid, index integer, hostname text, region text, effective_region text, zone text, labels jsonb, system jsonb)
     ORDER BY i.index
    RETURNING ${nodeColumns}`);
  await joinProviderWindow(
    tx,
    provider.id,
    rows.map(({ id }) => id),
  );
  await tx.record(
    ...inserted.map((node) => ({
      type: 'node.created',
      subject: { type: 'node', id: node.id },
      version: 1,
      diff: { after: { hostname: node.hostname, region: node.region, zone: node.zone, labels: node.labels } },
      providerId: provider.id,
      nodeId: node.id,
    })),
  );
  tx.invalidate('nodes', `provider:${provider.id}`);
  return inserted;
}
