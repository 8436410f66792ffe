import sql, { type Sql } from 'sql-template-tag';
import { Type } from 'typebox';
import { invalid } from '../../kernel/errors.ts';
import { text, uuid } from '../../kernel/filters/equality-kinds.ts';
import { defineFilters } from '../../kernel/filters/filters.ts';
import { parseFilterQuery } from '../../kernel/filters/query.ts';
import { filterQuerySchema } from '../../kernel/filters/schema.ts';
import { compileFilters, whereAll } from '../../kernel/filters/sql.ts';
import { StrEnum } from '../../kernel/http/schemas.ts';
import { parseTimestamp } from '../../kernel/http/timestamp.ts';
import { defaultStep, type Source, sourceFor, stepSeconds } from './resolution.ts';
import { aggregates, formats, groupings, metricPattern } from './schemas.ts';

export type Aggregate = (typeof aggregates)[number];
export type Grouping = (typeof groupings)[number];

/** Which GPUs: as they are now, wherever they were when they were measured. */
const gpuFilters = defineFilters({
  gpuId: uuid({ sql: sql`s.gpu_id` }),
  nodeId: uuid({ sql: sql`s.node_id` }),
  providerId: uuid({ sql: sql`s.provider_id` }),
  modelId: text({ sql: sql`s.model_id`, maxLength: 100 }),
});

const moment = (description: string) =>
  Type.Optional(Type.String({ format: 'date-time', maxLength: 40, description }));

const ownParameters = {
  metric: Type.String({ pattern: metricPattern, maxLength: 64, description: 'Which metric.' }),
  from: moment('Begin of the first bucket; an hour before `to` by default.'),
  to: moment('End of the range, exclusive; now by default.'),
  step: Type.Optional(
    Type.String({
      pattern: '^[1-9][0-9]{0,7}[smhd]$',
      maxLength: 9,
      description: 'Length of a bucket: `30s`, `5m`, `1h`, `7d`. By default such that there are at most 240.',
    }),
  ),
  agg: Type.Optional({
    ...StrEnum(aggregates, { default: 'avg' }),
    description: 'What is told of a bucket.',
  }),
  groupBy: Type.Optional({
    ...StrEnum(groupings, { default: 'gpu' }),
    description: 'One series for each GPU, node, provider or model; as these are now.',
  }),
  top: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 500,
      description: 'Only the series with the highest mean of their points, highest first.',
    }),
  ),
  include: Type.Optional({ ...StrEnum(['revision']), description: 'Also tell the revision of each point.' }),
  format: Type.Optional({ ...StrEnum(formats), description: 'As the Accept header says, by default.' }),
};

/** Open, since `readQuestion` refuses what is unknown. */
export const usageQuery = Type.Object(
  { ...filterQuerySchema(gpuFilters).properties, ...ownParameters },
  { additionalProperties: true },
);

export interface Question {
  metric: string;
  from: string;
  to: string;
  step: string;
  stepS: number;
  points: number;
  agg: Aggregate;
  groupBy: Grouping;
  top: number | null;
  withRevision: boolean;
  source: Source;
  /** What answers about the same where `source` holds too much to read in time: sketches of percentiles. */
  roughSource: Source | null;
  /** Which GPUs are asked for, over `gpu_state s`. */
  gpus: Sql;
  /** The one GPU that is asked for by its id. */
  gpuId: string | null;
}

/** Points of a series, as Prometheus limits them, and of an answer. */
const maxPoints = 11_000;
export const maxAnswerPoints = 100_000;
const dayMs = 86_400_000;

interface Clock {
  /** Milliseconds of the epoch. */
  now: number;
  /** For how long samples are kept. */
  keepDays: number;
}

/** @throws 400 naming the parameter that is unknown, bad, or asks for too much. */
export function readQuestion(query: Record<string, unknown>, { now, keepDays }: Clock): Question {
  const filters = parseFilterQuery(gpuFilters, query, Object.keys(ownParameters));
  const { from, to } = readRange(query, now);
  const rangeMs = (microsOf(to) - microsOf(from)) / 1000;
  const step = (query.step as string | undefined) ?? defaultStep(rangeMs);
  const stepS = stepSeconds(step);
  const points = Math.ceil(rangeMs / (stepS * 1000));
  if (points > maxPoints) throw invalid('step', `makes ${points} points; at most ${maxPoints} are told`);
  const agg = (query.agg as Aggregate | undefined) ?? 'avg';
  const isPercentile = agg.startsWith('p');
  const { gpuId } = query as { gpuId?: string };
  return {
    metric: query.metric as string,
    ...{ from, to, step, stepS, points, agg },
    groupBy: (query.groupBy as Grouping | undefined) ?? 'gpu',
    top: query.top === undefined ? null : Number(query.top),
    withRevision: query.include === 'revision',
    source: sourceFor({ from, stepS }, isPercentile, now - keepDays * dayMs),
    roughSource: isPercentile ? sourceFor({ from, stepS }, isPercentile, Number.POSITIVE_INFINITY) : null,
    gpus: whereAll(compileFilters(gpuFilters, filters, { moment: sql`clock_timestamp()` })),
    gpuId: gpuId?.toLowerCase() ?? null,
  };
}

function readRange(query: Record<string, unknown>, now: number): { from: string; to: string } {
  const to = readMoment(query, 'to') ?? micros(now);
  const from = readMoment(query, 'from') ?? micros(Date.parse(to) - 3_600_000);
  if (from >= to) throw invalid('from', 'must be before `to`');
  return { from, to };
}

function readMoment(query: Record<string, unknown>, name: 'from' | 'to'): string | undefined {
  const given = query[name];
  if (given === undefined) return undefined;
  const moment = parseTimestamp(String(given));
  if (moment === undefined) throw invalid(name, 'must be an RFC 3339 date and time');
  return moment;
}

/** Of the epoch; `Date` would cut off what is below a millisecond, and with it the last bucket. */
const microsOf = (moment: string): number => Date.parse(moment) * 1000 + Number(moment.slice(23, 26));

const micros = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z');
