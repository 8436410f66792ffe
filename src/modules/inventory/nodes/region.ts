import sql from 'sql-template-tag';
import type { Transaction } from '../../../kernel/db/transaction.ts';

/** A GPU takes its node's region: search filters by it on one row. */
export async function setRegion(tx: Transaction, nodeIds: readonly string[], region: string): Promise<void> {
  await tx.execute(sql`/* inventory:set_region */
    WITH moved AS (
      SELECT gpu_id FROM inventory.gpu_state
       WHERE node_id = ANY(${nodeIds}::uuid[]) AND region <> ${region} ORDER BY gpu_id FOR NO KEY UPDATE
    )
    UPDATE inventory.gpu_state s SET region = ${region} FROM moved WHERE s.gpu_id = moved.gpu_id`);
}
