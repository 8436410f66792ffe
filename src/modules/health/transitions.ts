import sql from 'sql-template-tag';
import { diffOf } from '../../kernel/db/changes.ts';
import type { Transaction } from '../../kernel/db/transaction.ts';
import { gates, reasonsOf } from '../../kernel/gates.ts';
import { type GpuSubject, type Health, type NodeSubject, revise, setGate } from '../inventory/index.ts';

/**
 * Makes a locked GPU or node as healthy as its checks say, with one event for the transition. A failure shuts the
 * gate of that GPU alone, or those of all GPUs of the node.
 */
export async function setHealth(
  tx: Transaction,
  subject: GpuSubject | NodeSubject,
  health: Health,
  reason: string,
): Promise<void> {
  if (health === subject.health) return;
  await (subject.type === 'gpu'
    ? setGpuHealth(tx, subject, health, reason)
    : setNodeHealth(tx, subject, health, reason));
}

function setGpuHealth(tx: Transaction, gpu: GpuSubject, health: Health, reason: string): Promise<void> {
  const blocks = health === 'failed' ? gpu.blocks | gates.gpu_failed : gpu.blocks & ~gates.gpu_failed;
  const shown = { health: gpu.health, unschedulableReasons: reasonsOf(gpu.blocks) };
  return revise(tx, gpu, {
    set: sql`health = ${health}, blocks = ${blocks}`,
    type: 'gpu.health_changed',
    diff: diffOf(shown, { health, unschedulableReasons: reasonsOf(blocks) }),
    reason,
  });
}

async function setNodeHealth(
  tx: Transaction,
  node: NodeSubject,
  health: Health,
  reason: string,
): Promise<void> {
  await revise(tx, node, {
    set: sql`health = ${health}`,
    type: 'node.health_changed',
    diff: diffOf({ health: node.health }, { health }),
    reason,
  });
  await setGate(tx, sql`s.node_id = ${node.id}`, 'node_failed', health === 'failed');
}
