import sql, { type Sql } from 'sql-template-tag';
import type { Static } from 'typebox';
import type { Principal, RequestContext } from '../../kernel/context.ts';
import type { Database } from '../../kernel/db/database.ts';
import { AppError, invalid, notFound, unavailable } from '../../kernel/errors.ts';
import { type Clock, systemClock } from '../../kernel/time.ts';
import { type Asked, type PointRow, readPoints } from './points.ts';
import { maxAnswerPoints, type Question, readQuestion } from './question.ts';
import type { Source } from './resolution.ts';
import type { UsageSeries } from './schemas.ts';

export type Answer = Static<typeof UsageSeries>;
type Series = Answer['series'][number];

interface Options {
  db: Database;
  /** For how long samples are kept. */
  keepDays: number;
  clock?: Clock;
}

const maxSeries = 500;

/** Tells what samples come to, by bucket and group. */
export class UsageAnswers {
  readonly #options: Options;

  constructor(options: Options) {
    this.#options = options;
  }

  /**
   * A GPU that is asked for by its id has its series even where nothing was measured; of other groups only those with
   * samples in the range have one.
   *
   * @throws 400 naming the parameter at fault; 404 `gpu.not_found`; 503 `query.timeout` saying what to ask instead.
   */
  async ask({ principal }: RequestContext, query: Record<string, unknown>): Promise<Answer> {
    const { db, keepDays, clock = systemClock } = this.#options;
    const question = readQuestion(query, { now: clock.now(), keepDays });
    const limit = Math.min(question.top ?? maxSeries, Math.floor(maxAnswerPoints / question.points));
    if (question.top !== null && limit < question.top)
      throw invalid('top', `times ${question.points} points is more than ${maxAnswerPoints}`);
    const visible = readable(principal);
    if (question.gpuId !== null) await this.#assertReadable(question.gpuId, visible);
    const [metric] = await db.rows<{ id: number; unit: string }>(sql`/* metrics:by_name */
      SELECT id, unit FROM inventory.metric WHERE name = ${question.metric}`);
    const more = question.top === null ? 1 : 0;
    const { source, rows } = metric
      ? await this.#read({ question, metricId: metric.id }, visible, limit + more)
      : { source: question.source, rows: [] };
    const { step, agg, from, to } = question;
    const series = metric ? seriesOf(question, rows, metric.unit) : [];
    if (series.length > limit) throw invalid('top', `is needed: there are more than ${limit} series`);
    return { step, agg, source, from: shown(from), to: shown(to), series };
  }

  /** What is too much to read from samples in time is told from sketches, where these can tell it. */
  async #read(asked: Asked, visible: Sql, limit: number): Promise<{ source: Source; rows: PointRow[] }> {
    const { source, roughSource } = asked.question;
    try {
      return { source, rows: await readPoints(this.#options.db, asked, visible, limit) };
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'query.timeout') throw error;
      if (roughSource === null || roughSource === source) throw tooMuch(source, error);
      const question = { ...asked.question, source: roughSource, roughSource: null };
      return this.#read({ ...asked, question }, visible, limit);
    }
  }

  async #assertReadable(gpuId: string, visible: Sql): Promise<void> {
    const found = await this.#options.db.row(sql`/* metrics:readable_gpu */
      SELECT 1 FROM inventory.gpu_state s WHERE s.gpu_id = ${gpuId}::uuid AND ${visible}`);
    if (!found) throw notFound('gpu');
  }
}

const tooMuch = (source: Source, cause: AppError): AppError =>
  unavailable(
    'query.timeout',
    source === 'hour'
      ? 'That is too much to read in time, though from roll-ups of hours: ask for a shorter range or fewer GPUs.'
      : `That is too much to read in time from ${source === 'raw' ? 'samples' : 'roll-ups of minutes'}: ask for a shorter range or fewer GPUs, or for a \`step\` and a \`from\` of whole hours, which their roll-ups answer.`,
    1,
    cause,
  );

/** A deleted GPU keeps its history, for those whose it was. */
function readable({ role, providerId, nodeId }: Principal): Sql {
  if (role === 'agent') return sql`s.node_id = ${nodeId}::uuid`;
  return role === 'provider' ? sql`s.provider_id = ${providerId}::uuid` : sql`TRUE`;
}

const shown = (moment: string): string => new Date(moment).toISOString();

/** Points of every bucket: those without samples are gaps. */
function seriesOf(question: Question, rows: readonly PointRow[], unit: string): Series[] {
  const byKey = new Map<string, PointRow[]>();
  for (const row of rows) {
    const found = byKey.get(row.key);
    if (found) found.push(row);
    else byKey.set(row.key, [row]);
  }
  const { gpuId, groupBy } = question;
  if (gpuId !== null && groupBy === 'gpu' && byKey.size === 0) byKey.set(gpuId, []);
  return [...byKey].map(([key, found]) => ({ key, unit, points: pointsOf(question, found) }));
}

function pointsOf(
  { from, stepS, points, withRevision }: Question,
  found: readonly PointRow[],
): Series['points'] {
  const begin = Date.parse(from);
  const values = new Map(found.map((row) => [row.index, row]));
  return Array.from({ length: points }, (_, index) => ({
    at: new Date(begin + index * stepS * 1000).toISOString(),
    value: values.get(index)?.value ?? null,
    ...(withRevision && { revision: values.get(index)?.revision ?? null }),
  }));
}
