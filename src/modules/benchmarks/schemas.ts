import { Type } from 'typebox';
import { Uuid } from '../../kernel/http/params.ts';
import { DateTime, Nullable } from '../../kernel/http/schemas.ts';

/** Far beyond any measurement, and far from where arithmetic with it overflows. */
export const largestValue = 1e100;

const word = (maxLength: number, example: string) =>
  Type.String({ pattern: '^\\S(.*\\S)?$', maxLength, examples: [example] });

const subject = {
  gpuId: Uuid(),
  suite: word(100, 'llm-inference'),
  suiteVersion: word(64, '1.4.0'),
  metric: word(100, 'tokensPerSecond'),
  value: Type.Number({ minimum: -largestValue, maximum: largestValue, examples: [148.7] }),
  unit: word(32, 'tokens/s'),
};

/** Under which conditions it was measured: driver, clocks, batch size, and the like; stored and shown as it is. */
const environment = Type.Unsafe<Record<string, unknown>>({
  type: 'object',
  maxProperties: 64,
  additionalProperties: true,
  examples: [{ driverVersion: '580.95.05', batchSize: 8 }],
});

export const Benchmark = Type.Object(
  {
    id: Uuid(),
    ...subject,
    environment,
    modelId: Type.String({ description: "The GPU's model when the result was recorded." }),
    nodeId: Uuid(),
    providerId: Uuid(),
    percentileOfModel: Nullable(
      Type.Number({
        minimum: 0,
        maximum: 100,
        description:
          'Of the newest results of all GPUs of the model in this suite, version and metric, the share in percent ' +
          'that is at most this value. Null for an uncatalogued model, and while fewer than two GPUs have a result.',
      }),
    ),
    outlier: Type.Boolean({
      description: 'Far from the results of the model that were known when this one was recorded.',
    }),
    measuredAt: DateTime(),
    source: Type.String({ description: 'Role and key of who sent it.' }),
    createdAt: DateTime(),
  },
  { $id: 'Benchmark' },
);

export const CreateBenchmark = Type.Object(
  {
    ...subject,
    environment: Type.Optional(environment),
    measuredAt: Type.Optional(DateTime()),
  },
  {
    $id: 'CreateBenchmark',
    additionalProperties: false,
    examples: [
      {
        gpuId: '0198f2a4-5b1c-7d3e-8f60-718293a4b5c6',
        suite: 'llm-inference',
        suiteVersion: '1.4.0',
        metric: 'tokensPerSecond',
        value: 148.7,
        unit: 'tokens/s',
        environment: { driverVersion: '580.95.05', batchSize: 8 },
      },
    ],
  },
);
