import type { KnownGpu } from './gpu-fleet.ts';

export type Grouping = 'model' | 'region' | 'provider';

const keys = { model: 'modelId', region: 'region', provider: 'providerId' } as const;

/** The one state that a GPU is counted under. */
function stateOf({ allocationState, schedulable }: KnownGpu): string {
  if (allocationState === 'held' || allocationState === 'allocated') return allocationState;
  return allocationState === 'free' && schedulable ? 'free' : 'unschedulable';
}

const byNumber = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);

function groupOf(gpus: readonly KnownGpu[], by: readonly Grouping[]) {
  const [first] = gpus as [KnownGpu];
  const free = gpus.filter((gpu) => stateOf(gpu) === 'free');
  const countOf = (state: string) => gpus.filter((gpu) => stateOf(gpu) === state).length;
  const onNode = (nodeId: unknown) => free.filter((gpu) => gpu.nodeId === nodeId).length;
  const prices = free
    .flatMap(({ pricePerHourNanoUsd: price }) => (price === null ? [] : [BigInt(String(price))]))
    .sort(byNumber);
  const priceAt = (place: number) => prices[place]?.toString() ?? null;
  return {
    ...Object.fromEntries(by.map((grouping) => [keys[grouping], first[keys[grouping]]])),
    total: gpus.length,
    free: free.length,
    held: countOf('held'),
    allocated: countOf('allocated'),
    unschedulable: countOf('unschedulable'),
    largestBlock: Math.max(0, ...free.map(({ nodeId }) => onNode(nodeId))),
    pricePerHourNanoUsd: {
      min: priceAt(0),
      median: priceAt(Math.ceil(prices.length / 2) - 1),
      max: priceAt(prices.length - 1),
    },
  };
}

/** The availability of these GPUs, worked out from the words of its promise. */
export function expectedAvailability(gpus: readonly KnownGpu[], by: readonly Grouping[]) {
  const nameOf = (gpu: KnownGpu) => by.map((grouping) => String(gpu[keys[grouping]])).join(' ');
  const groups = new Map<string, KnownGpu[]>();
  for (const gpu of gpus) {
    const group = groups.get(nameOf(gpu));
    if (group) group.push(gpu);
    else groups.set(nameOf(gpu), [gpu]);
  }
  const items = [...groups]
    .map(([name, members]) => ({ name, group: groupOf(members, by) }))
    .sort(
      (a, b) => b.group.free - a.group.free || b.group.total - a.group.total || (a.name < b.name ? -1 : 1),
    )
    .map(({ group }) => group);
  return { items, groups: items.length };
}
