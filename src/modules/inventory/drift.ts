import sql, { join, raw } from 'sql-template-tag';
import type { DriftClass } from '../../kernel/drift.ts';
import { maskOf } from '../../kernel/gates.ts';
import { recordVersions } from '../../kernel/unrecorded-versions.ts';
import { gatesOf, parentMask, placementMask, when } from './gates.ts';
import { openFindings } from './gpus/findings.ts';

const batch = 500;

/** What follows from other columns of a GPU's own row, and is a version of it. */
const ownMask = maskOf('gpu_not_active', 'gpu_missing', 'gpu_failed');
const ownGates = join(
  [
    when('gpu_not_active', sql`s.lifecycle <> 'active'`),
    when('gpu_missing', sql`s.presence = 'missing'`),
    when('gpu_failed', sql`s.health = 'failed'`),
  ],
  ' | ',
);
/** Of the physical GPU `r` of a partition. */
const parentGate = when(
  'parent_gpu_blocked',
  sql`r.blocks & ${raw(String(parentMask))} <> 0 OR r.node_id <> s.node_id`,
);
/** Of the partitions of a physical GPU. */
const partitionGate = when(
  'partition_unclean',
  sql`EXISTS (SELECT FROM inventory.gpu_state c WHERE c.root_gpu_id = s.gpu_id AND c.root_gpu_id <> c.gpu_id
     AND c.deleted_at IS NULL AND c.blocks & ${raw(String(maskOf('gpu_cleaning', 'gpu_quarantined')))} <> 0)`,
);
const derived = placementMask | ownMask | maskOf('parent_gpu_blocked', 'partition_unclean');

const expected = sql`(s.blocks & ~${raw(String(derived))}) | ${gatesOf} | ${ownGates} | ${parentGate} | ${partitionGate}`;

const misplaced = sql`
  SELECT s.gpu_id, s.blocks, ${expected} AS expected FROM inventory.gpu_state s
    JOIN inventory.node n ON n.id = s.node_id JOIN inventory.provider p ON p.id = n.provider_id
    LEFT JOIN inventory.node_heartbeat h ON h.node_id = n.id
    LEFT JOIN inventory.gpu_state r ON s.root_gpu_id <> s.gpu_id AND r.gpu_id = s.root_gpu_id
   WHERE s.deleted_at IS NULL AND s.blocks <> ${expected}`;

/** A GPU that may be claimed although it may not, or the other way about. */
export const staleGate: DriftClass = {
  name: 'stale-gate',
  rule: 'A GPU has the gates of its node, its provider, its physical GPU and its partitions, and those of its own state',
  find: sql`SELECT m.gpu_id::text AS subject, format('gates %s, it should have %s', m.blocks, m.expected) AS detail
              FROM (${misplaced}) m`,
  async repair(tx) {
    // Whoever changes a node's state holds its row first: after this the gates stand still.
    await tx.execute(sql`/* inventory:reconcile_lock_nodes */
      SELECT FROM inventory.node n WHERE n.id IN (
        SELECT s.node_id FROM inventory.gpu_state s WHERE s.gpu_id IN (SELECT m.gpu_id FROM (${misplaced} LIMIT ${batch}) m))
       ORDER BY n.id FOR NO KEY UPDATE`);
    await tx.execute(sql`/* inventory:reconcile_lock_gpus */
      SELECT FROM inventory.gpu_state s WHERE s.gpu_id IN (SELECT m.gpu_id FROM (${misplaced} LIMIT ${batch}) m)
       ORDER BY s.gpu_id FOR NO KEY UPDATE`);
    const turned = await tx.rows<{ gpuId: string }>(sql`/* inventory:reconcile_gates */
      UPDATE inventory.gpu_state s
         SET blocks = m.expected, version = s.version + ((s.blocks # m.expected) & ${ownMask} <> 0)::integer
        FROM (${misplaced} LIMIT ${batch}) m WHERE s.gpu_id = m.gpu_id RETURNING s.gpu_id`);
    const gpuIds = turned.map(({ gpuId }) => gpuId);
    await recordVersions(tx, 'gpu', gpuIds);
    tx.invalidate('gpus', ...gpuIds.map((id) => `gpu:${id}`));
  },
};

/** Two GPUs in one slot, and nobody has been told. */
const crowded = sql`
  SELECT g.node_id, g.pci_bus_id, min(g.provider_id::text)::uuid AS provider_id, jsonb_agg(g.id ORDER BY g.seq) AS gpus
    FROM inventory.gpu g JOIN inventory.gpu_state s ON s.gpu_id = g.id
   WHERE g.deleted_at IS NULL AND g.parent_gpu_id IS NULL AND g.pci_bus_id IS NOT NULL AND s.presence = 'present'
     AND NOT EXISTS (SELECT FROM inventory.finding f WHERE f.kind = 'duplicate_slot' AND f.state = 'open'
                        AND f.subject_key = g.node_id || ' ' || g.pci_bus_id)
   GROUP BY g.node_id, g.pci_bus_id HAVING count(*) > 1`;

/** After a swap or a boot that nobody reported, one slot may seem to hold two GPUs: which is there, people find out. */
export const duplicateSlot: DriftClass = {
  name: 'duplicate-slot',
  rule: 'A slot holds one present GPU, or there is a finding about it',
  find: sql`SELECT c.node_id || ' ' || c.pci_bus_id AS subject, 'GPUs ' || c.gpus::text AS detail FROM (${crowded}) c`,
  async repair(tx) {
    const slots = await tx.rows<{ nodeId: string; pciBusId: string; providerId: string; gpus: string[] }>(
      sql`/* inventory:crowded_slots */ ${crowded} LIMIT ${batch}`,
    );
    await openFindings(
      tx,
      slots.map(({ nodeId, pciBusId, providerId, gpus }) => ({
        kind: 'duplicate_slot',
        subjectKey: `${nodeId} ${pciBusId}`,
        providerId,
        nodeId,
        gpuId: gpus[0] ?? null,
        detail: { pciBusId, gpus },
      })),
    );
  },
};
