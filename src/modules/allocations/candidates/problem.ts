/** One part of a request: so many GPUs that fit it, under its own restrictions. */
export interface Part {
  count: number;
  distinctProviders: boolean;
}

/** A free GPU as the choice sees it. */
export interface Member {
  gpuId: string;
  /** Worth of one GPU by the objective's aspects, the first outweighing the next; the least is the best. Sums add up. */
  weight: bigint;
  /** Its place in the order of registration, unique: what decides among equal weights. */
  rank: number;
  /** What the weight is made of. */
  aspects: readonly bigint[];
}

/** GPUs that the caller cannot tell apart. A set that takes so many of them takes the first so many. */
export interface GpuClass {
  /** The parts of the request that they fit. */
  parts: readonly number[];
  providerId: string;
  nodeId: string | null;
  /** Of what counts as one model. */
  model: string;
  /** Best first; as many as any candidate could take. */
  members: readonly Member[];
}

/** All that the choice knows. */
export interface Problem<Class extends GpuClass = GpuClass> {
  parts: readonly Part[];
  classes: readonly Class[];
}

/** A set of GPUs that serves the whole request. */
export interface GpuSet<Class extends GpuClass = GpuClass> {
  /** How many of which class; none of them 0. */
  taken: ReadonlyMap<Class, number>;
  weight: bigint;
  /** Of the GPUs, ascending. */
  ranks: readonly number[];
}

/** The better of two sets of equal size is the lighter one, then the one with the GPU registered first. */
export function compareSets(a: GpuSet, b: GpuSet): number {
  if (a.weight !== b.weight) return a.weight < b.weight ? -1 : 1;
  const at = a.ranks.findIndex((rank, place) => rank !== b.ranks[place]);
  return at < 0 ? 0 : (a.ranks[at] as number) - (b.ranks[at] as number);
}
