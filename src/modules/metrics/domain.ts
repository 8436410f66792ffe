/** One reading of one GPU. */
export interface Sample {
  gpuId: string;
  metric: string;
  value: number;
  unit: string;
  /** RFC 3339 in UTC, to the microsecond. */
  at: string;
}

export const reasons = ['unknown_gpu', 'too_old', 'too_far_ahead', 'unit_mismatch'] as const;

/** A sample that was not stored, by its place in the request. */
export interface Rejection {
  index: number;
  reason: (typeof reasons)[number];
  detail: string;
}

/** What samples are judged by. */
export interface Facts {
  /** Milliseconds of the epoch, by the database's clock. */
  moment: number;
  /** GPUs that the caller may send samples of. */
  gpuIds: ReadonlySet<string>;
  /** Units of the metrics that there are. */
  units: ReadonlyMap<string, string>;
}

/** The samples of a request, sorted. */
export interface Judgement {
  kept: Sample[];
  /** Same GPU, metric and moment as one before in the request. */
  duplicates: number;
  rejected: Rejection[];
  /** Metrics that nobody has sent before, with the unit of their first sample. */
  fixed: Map<string, string>;
}

const dayMs = 86_400_000;
const aheadMs = 300_000;

/** Decides about each sample of a request; samples older than `keepDays` are history that nobody keeps. */
export function judge(
  samples: readonly Sample[],
  { moment, gpuIds, units }: Facts,
  keepDays: number,
): Judgement {
  const { kept, rejected, fixed }: Omit<Judgement, 'duplicates'> = {
    kept: [],
    rejected: [],
    fixed: new Map(),
  };
  const seen = new Set<string>();
  const refusal = ({ gpuId, metric, unit, at }: Sample): Omit<Rejection, 'index'> | null => {
    if (!gpuIds.has(gpuId)) return { reason: 'unknown_gpu', detail: 'is not a GPU of this key' };
    const time = Date.parse(at);
    if (time < moment - keepDays * dayMs)
      return { reason: 'too_old', detail: `is older than ${keepDays} days` };
    if (time > moment + aheadMs) return { reason: 'too_far_ahead', detail: 'is over 5 minutes ahead' };
    const known = units.get(metric) ?? fixed.get(metric);
    if (known === undefined) fixed.set(metric, unit);
    else if (known !== unit) return { reason: 'unit_mismatch', detail: `the unit of ${metric} is ${known}` };
    return null;
  };
  let duplicates = 0;
  for (const [index, sample] of samples.entries()) {
    const refused = refusal(sample);
    if (refused) {
      rejected.push({ index, ...refused });
      continue;
    }
    const key = `${sample.gpuId} ${sample.metric} ${sample.at}`;
    if (seen.has(key)) duplicates++;
    else kept.push(sample);
    seen.add(key);
  }
  return { kept, duplicates, rejected, fixed };
}
