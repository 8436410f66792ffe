import { Type } from 'typebox';
import { Uuid } from '../../kernel/http/params.ts';
import { DateTime, Nullable, ref, StrEnum } from '../../kernel/http/schemas.ts';
import { reasons } from './domain.ts';

export const metricPattern = '^[a-z][A-Za-z0-9_.]{0,63}$';

/** Bytes of a batch: 10,000 samples take 1.3 MB, with the longest names and units 2.5 MB. */
export const samplesBodyLimit = 4_194_304;

/** Far beyond any reading, and far from where the sum of a year of them overflows. */
const largestValue = 1e100;

export const aggregates = ['avg', 'min', 'max', 'sum', 'count', 'p50', 'p95', 'p99'] as const;
export const groupings = ['gpu', 'node', 'provider', 'model'] as const;
export const formats = ['json', 'csv'] as const;

const metric = Type.String({ pattern: metricPattern, maxLength: 64, examples: ['powerDrawW'] });
const unit = Type.String({ pattern: '^\\S(.*\\S)?$', maxLength: 32, examples: ['W'] });

export const UsageMetric = Type.Object(
  {
    gpuId: Uuid(),
    metric,
    value: Type.Number({ minimum: -largestValue, maximum: largestValue, examples: [412.5] }),
    unit,
    at: DateTime(),
  },
  { $id: 'UsageMetric', additionalProperties: false },
);

const example = {
  gpuId: '0198f2a4-5b1c-7d3e-8f60-718293a4b5c6',
  metric: 'powerDrawW',
  value: 412.5,
  unit: 'W',
  at: '2026-11-25T12:00:00.000Z',
};

export const RecordUsageMetrics = Type.Object(
  { samples: Type.Array(ref(UsageMetric), { minItems: 1, maxItems: 10_000 }) },
  { $id: 'RecordUsageMetrics', additionalProperties: false, examples: [{ samples: [example] }] },
);

const count = (description: string) => Type.Integer({ minimum: 0, description });

export const UsageMetricReceipt = Type.Object(
  {
    accepted: count('Samples that were stored.'),
    duplicates: count('Samples of a GPU, metric and moment that there is a sample of; they are ignored.'),
    rejected: Type.Array(
      Type.Object({
        index: count('Place in `samples`, from 0.'),
        reason: StrEnum(reasons),
        detail: Type.String(),
      }),
      { maxItems: 10_000, description: 'Samples that were not stored, and why; all others were.' },
    ),
  },
  { $id: 'UsageMetricReceipt' },
);

const point = Type.Object({
  at: Type.String({ format: 'date-time', description: 'Begin of the bucket [at, at + step).' }),
  value: Nullable(Type.Number({ description: 'Null where there is no sample.' })),
  revision: Type.Optional(
    Nullable(
      Type.Integer({
        minimum: 1,
        description:
          'With `include=revision`: grows when a late sample changes what was stated; null where it is not stated yet.',
      }),
    ),
  ),
});

export const UsageSeries = Type.Object(
  {
    step: Type.String(),
    agg: StrEnum(aggregates),
    source: StrEnum(['raw', 'minute', 'hour'], {}),
    from: Type.String({ format: 'date-time' }),
    to: Type.String({ format: 'date-time', description: 'Exclusive.' }),
    series: Type.Array(
      Type.Object({
        key: Type.String({ description: 'Id of the GPU, node, provider or model.' }),
        unit: Type.String(),
        points: Type.Array(point, { maxItems: 11_000 }),
      }),
      { maxItems: 500 },
    ),
  },
  { $id: 'UsageSeries' },
);
