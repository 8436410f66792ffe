import { type AskedFilter, type FreeGpu, passesFilter } from './choice-oracle.ts';

/** A free, schedulable GPU with all that tells classes apart. */
export interface ClassedGpu extends FreeGpu {
  region: string;
  health: string;
  level: number;
}

/** One part of a request; a request without groups is one part. */
export interface AskedPart {
  count: number;
  sameNode?: boolean | undefined;
  sameModel?: boolean | undefined;
  distinctProviders?: boolean | undefined;
  filter?: AskedFilter | undefined;
  excludeWarnings?: boolean | undefined;
}

export interface Asked extends Partial<AskedPart> {
  objective: 'cheapest' | 'best_fit' | 'most_reliable' | 'spread';
  groups?: AskedPart[] | undefined;
}

/** A candidate as the promise has it. */
export interface Expected {
  gpuIds: string[];
  /** Model, node where nodes are told apart, how many of it, how many there are: in the order of these. */
  classes: [string, string | null, number, number][];
}

const unknownPrice = 1e9;

const lexically = (a: readonly number[], b: readonly number[]): number =>
  a.map((value, at) => value - (b[at] as number)).find((difference) => difference !== 0) ?? 0;

function* subsets<T>(items: readonly T[], size: number, from = 0): Generator<T[]> {
  if (size === 0) yield [];
  else
    for (let at = from; at <= items.length - size; at++)
      for (const rest of subsets(items, size - 1, at + 1)) yield [items[at] as T, ...rest];
}

const allEqual = (values: readonly unknown[]) => new Set(values).size <= 1;

const fits = (gpu: ClassedGpu, { filter, excludeWarnings }: Partial<AskedPart>) =>
  (filter === undefined || passesFilter(gpu, filter)) && !(excludeWarnings && gpu.health === 'warning');

const obeys = (gpus: readonly FreeGpu[], { sameNode, sameModel, distinctProviders }: Partial<AskedPart>) =>
  (!sameNode || allEqual(gpus.map(({ nodeId }) => nodeId))) &&
  (!sameModel || allEqual(gpus.map(({ modelId }) => modelId))) &&
  (!distinctProviders || new Set(gpus.map(({ providerId }) => providerId)).size === gpus.length);

/** Whether the GPUs can be dealt out to the parts, each getting what it asks for. */
function canServe(gpus: readonly ClassedGpu[], [part, ...others]: readonly AskedPart[]): boolean {
  if (!part) return gpus.length === 0;
  const fitting = gpus.filter((gpu) => fits(gpu, part));
  for (const mine of subsets(fitting, part.count)) {
    const rest = gpus.filter((gpu) => !mine.includes(gpu));
    if (obeys(mine, part) && canServe(rest, others)) return true;
  }
  return false;
}

/** The best `limit` candidates, worked out from the words of the promise by trying every set of GPUs. */
export function expectedCandidates(free: readonly ClassedGpu[], asked: Asked, limit: number): Expected[] {
  // What stands beside groups holds for the GPUs of each.
  const eligible = free.filter((gpu) => fits(gpu, asked));
  const parts = asked.groups ?? [asked as AskedPart];
  const together = asked.groups ? asked : {};
  const byNode = Boolean(asked.sameNode || parts.some(({ sameNode }) => sameNode));
  const freeOn = (nodeId: string) => free.filter((gpu) => gpu.nodeId === nodeId).length;
  const aspects = (gpu: FreeGpu): number[] => {
    const price = gpu.price ?? unknownPrice;
    const reputation = Math.round(-(gpu.reputation ?? -1) * 1e9);
    return {
      cheapest: [price, gpu.memoryMb, freeOn(gpu.nodeId)],
      best_fit: [gpu.memoryMb, freeOn(gpu.nodeId)],
      most_reliable: [reputation, price],
      spread: [-freeOn(gpu.nodeId)],
    }[asked.objective];
  };
  const classOf = (gpu: ClassedGpu) =>
    JSON.stringify([
      parts.flatMap((part, at) => (fits(gpu, asked) && fits(gpu, part) ? [at] : [])),
      ...[gpu.region, gpu.providerId, gpu.modelId, gpu.memoryMb, gpu.price, gpu.level, gpu.health],
      byNode && gpu.nodeId,
    ]);
  const registered = [...eligible].sort((a, b) => lexically([a.nodeSeq, a.index], [b.nodeSeq, b.index]));
  const rankOf = new Map(registered.map((gpu, rank) => [gpu, rank]));
  const count = parts.reduce((sum, part) => sum + part.count, 0);
  const best = new Map<string, { gpus: ClassedGpu[]; worth: number[] }>();
  const usable = registered.filter((gpu) => parts.some((part) => fits(gpu, part)));
  for (const gpus of subsets(usable, count)) {
    if (!obeys(gpus, together) || !canServe(gpus, parts)) continue;
    const sums = gpus.map(aspects).reduce((a, b) => a.map((value, at) => value + (b[at] as number)));
    const worth = [...sums, ...gpus.map((gpu) => rankOf.get(gpu) as number)];
    const key = gpus.map(classOf).sort().join();
    const other = best.get(key);
    if (!other || lexically(worth, other.worth) < 0) best.set(key, { gpus, worth });
  }
  return [...best.values()]
    .sort((a, b) => lexically(a.worth, b.worth))
    .slice(0, limit)
    .map(({ gpus }) => ({
      gpuIds: gpus.map(({ id }) => id).sort(),
      classes: [...new Set(gpus.map(classOf))]
        .map((key): Expected['classes'][number] => {
          const [first, ...more] = gpus.filter((gpu) => classOf(gpu) === key) as [
            ClassedGpu,
            ...ClassedGpu[],
          ];
          const available = free.filter((gpu) => classOf(gpu) === key).length;
          return [first.modelId, byNode ? first.nodeId : null, more.length + 1, available];
        })
        .sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b))),
    }));
}
