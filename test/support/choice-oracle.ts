/** A free, schedulable GPU as the oracle knows it. */
export interface FreeGpu {
  id: string;
  nodeId: string;
  nodeSeq: number;
  providerId: string;
  modelId: string;
  index: number;
  price: number | null;
  memoryMb: number;
  reputation: number | null;
}

/** What a request asks of each GPU. */
export interface AskedFilter {
  minMemoryMb: number;
  modelId?: { in: string[] } | undefined;
  maxPricePerHourNanoUsd?: string | undefined;
}

export const passesFilter = (gpu: FreeGpu, filter: AskedFilter): boolean =>
  gpu.memoryMb >= filter.minMemoryMb &&
  (filter.modelId === undefined || filter.modelId.in.includes(gpu.modelId)) &&
  (filter.maxPricePerHourNanoUsd === undefined ||
    (gpu.price !== null && gpu.price <= Number(filter.maxPricePerHourNanoUsd)));

export interface Wanted {
  count: number;
  sameNode?: boolean | undefined;
  sameModel?: boolean | undefined;
  distinctProviders?: boolean | undefined;
  objective: 'cheapest' | 'best_fit' | 'most_reliable' | 'spread';
  filter: AskedFilter;
}

/** Sorts by the first number that differs. */
const lexically = (a: readonly number[], b: readonly number[]): number =>
  a.map((value, at) => value - (b[at] as number)).find((difference) => difference !== 0) ?? 0;

const sumOf = (rows: readonly number[][]): number[] =>
  (rows[0] ?? []).map((_, column) => rows.reduce((sum, row) => sum + (row[column] as number), 0));

/** Beyond every price of the tests. */
const unknownPrice = 1e9;

/**
 * The ids that a request must be given, worked out from the words of the promise and by trying every team; null where
 * nothing fits.
 */
export function expectedChoice(free: readonly FreeGpu[], wanted: Wanted): string[] | null {
  const freeOn = (nodeId: string) => free.filter((gpu) => gpu.nodeId === nodeId).length;
  const aspects = (gpu: FreeGpu): number[] => {
    const price = gpu.price ?? unknownPrice;
    switch (wanted.objective) {
      case 'cheapest':
        return [price, gpu.memoryMb, freeOn(gpu.nodeId)];
      case 'best_fit':
        return [gpu.memoryMb, freeOn(gpu.nodeId)];
      case 'most_reliable':
        return [-(gpu.reputation ?? -1), price];
      case 'spread':
        return [-freeOn(gpu.nodeId)];
    }
  };
  const fitting = free
    .filter((gpu) => passesFilter(gpu, wanted.filter))
    .map((gpu) => ({ ...gpu, aspects: aspects(gpu) }))
    .sort((a, b) => lexically([...a.aspects, a.nodeSeq, a.index], [...b.aspects, b.nodeSeq, b.index]));
  const teams = new Map<string, typeof fitting>();
  for (const gpu of fitting) {
    const key = [wanted.sameNode && gpu.nodeId, wanted.sameModel && gpu.modelId].join();
    const team = teams.get(key) ?? [];
    const taken = wanted.distinctProviders && team.some(({ providerId }) => providerId === gpu.providerId);
    teams.set(key, team.length === wanted.count || taken ? team : [...team, gpu]);
  }
  const [best] = [...teams.values()]
    .filter((team) => team.length === wanted.count)
    .map((team) => ({
      ids: team.map(({ id }) => id),
      worth: [
        ...sumOf(team.map((gpu) => gpu.aspects)),
        ...(team.map(({ nodeSeq, index }) => [nodeSeq, index]).sort(lexically)[0] ?? []),
      ],
    }))
    .sort((a, b) => lexically(a.worth, b.worth));
  return best?.ids.sort() ?? null;
}
