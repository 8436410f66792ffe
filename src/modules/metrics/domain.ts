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

/** What is wrong with the samples of a request. */
export interface Judgement {
  rejected: Rejection[];
  /** Metrics that nobody has sent before, with the unit of their first sample that is not rejected. */
  fixed: Map<string, string>;
}

const dayMs = 86_400_000;
/** How far ahead of the database's clock a sample may be. */
export const aheadMs = 300_000;

/** Decides about each sample of a request; samples older than `keepDays` are history that nobody keeps. */
export function judge(
  samples: readonly Sample[],
  { moment, gpuIds, units }: Facts,
  keepDays: number,
): Judgement {
  const fixed = new Map<string, string>();
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
  const rejected = samples.flatMap((sample, index) => {
    const refused = refusal(sample);
    return refused === null ? [] : [{ index, ...refused }];
  });
  return { rejected, fixed };
}
