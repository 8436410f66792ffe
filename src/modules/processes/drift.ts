import sql from 'sql-template-tag';
import type { DriftClass } from '../../kernel/drift.ts';
import { openFindings } from '../inventory/index.ts';
import { unattributed } from './review.ts';

const batch = 200;

/** GPUs on which something runs for nobody, and nobody has been told: their allocation may have gone by hand. */
const orphaned = sql`
  SELECT p.gpu_id, min(p.node_id::text)::uuid AS node_id, min(p.provider_id::text)::uuid AS provider_id,
         count(*)::integer AS count,
         jsonb_agg(jsonb_build_object('pid', p.pid, 'name', p.name, 'user', p."user") ORDER BY p.pid) AS processes
    FROM inventory.gpu_process p JOIN inventory.gpu_state s ON s.gpu_id = p.gpu_id
   WHERE p.ended_at IS NULL
     AND NOT EXISTS (SELECT FROM inventory.allocation_gpu l
                      WHERE l.gpu_id IN (s.gpu_id, s.root_gpu_id) AND l.released_at IS NULL)
     AND NOT EXISTS (SELECT FROM inventory.finding f
                      WHERE f.gpu_id = p.gpu_id AND f.kind = 'unattributed_process' AND f.state = 'open')
   GROUP BY p.gpu_id`;

export const orphanProcess: DriftClass = {
  name: 'orphan-process',
  rule: 'What runs on a GPU runs for somebody who has it, or there is a finding about it',
  find: sql`SELECT o.gpu_id::text AS subject, format('%s processes', o.count) AS detail FROM (${orphaned}) o`,
  async repair(tx) {
    const gpus = await tx.rows<{
      gpuId: string;
      nodeId: string;
      providerId: string;
      processes: { pid: number; name: string | null; user: string | null }[];
    }>(sql`/* processes:orphaned */ ${orphaned} LIMIT ${batch}`);
    await openFindings(
      tx,
      gpus.map(({ gpuId, nodeId, providerId, processes }) =>
        unattributed({ id: gpuId, nodeId, providerId }, processes),
      ),
    );
  },
};
