import { createHash } from 'node:crypto';
import type { Static } from 'typebox';
import { hardwareKey, hardwareOf, statementOf } from '../gpus/identity.ts';
import { canonicalLayer } from '../gpus/state.ts';
import type { GpuInput } from '../gpus/view.ts';
import type { PutInventory } from './schemas.ts';

export type Snapshot = Static<typeof PutInventory>;

const none = { layer: 'observed', source: '' } as const;

/** What one input says, whatever the order and the spelling that it says it in. */
function contentOf(input: GpuInput): [key: string, ...content: unknown[]] {
  const { facts, specs = {}, capabilities = {} } = statementOf(input);
  const parent = input.parentUuid && hardwareKey(hardwareOf(input.vendor, input.parentUuid));
  return [
    hardwareKey(hardwareOf(input.vendor, input.uuid)),
    parent,
    facts,
    canonicalLayer({ ...none, specs, capabilities }),
  ];
}

const byKey = ([a]: [string, ...unknown[]], [b]: [string, ...unknown[]]): number =>
  a < b ? -1 : a > b ? 1 : 0;

/** SHA-256 of a snapshot's content: two snapshots of one generation are the same snapshot if this is the same. */
export function digestOf({ complete, confirmEmpty, system = {}, gpus }: Snapshot): Buffer {
  const content = [
    complete,
    confirmEmpty,
    Object.entries(system).sort(byKey),
    gpus.map(contentOf).sort(byKey),
  ];
  return createHash('sha256').update(JSON.stringify(content)).digest();
}
