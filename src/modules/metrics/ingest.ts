import type { Static } from 'typebox';
import type { RequestContext } from '../../kernel/context.ts';
import type { Database } from '../../kernel/db/database.ts';
import { sqlState } from '../../kernel/db/errors.ts';
import type { Queryable } from '../../kernel/db/transaction.ts';
import { AppError, invalid } from '../../kernel/errors.ts';
import { parseTimestamp } from '../../kernel/http/timestamp.ts';
import { PartitionsOnDemand } from '../../kernel/partitions.ts';
import { visibleGpus } from '../inventory/index.ts';
import { judge, type Sample } from './domain.ts';
import type { RecordUsageMetrics, UsageMetricReceipt } from './schemas.ts';
import type { MetricSeries } from './series.ts';
import { type Batch, fixUnits, storableDays, takeSamples } from './store.ts';

type Given = Static<typeof RecordUsageMetrics>['samples'];
type Receipt = Static<typeof UsageMetricReceipt>;

/** Takes samples: those that cannot be taken are told apart one by one, the rest is stored in one transaction. */
export class SampleIngest {
  readonly #db: Database;
  readonly #keepDays: number;
  readonly #partitions: PartitionsOnDemand;

  constructor(db: Database, { samples }: MetricSeries) {
    this.#db = db;
    this.#keepDays = samples.keepDays;
    this.#partitions = new PartitionsOnDemand(db, samples);
  }

  /** @throws 400 naming a moment that is none. */
  async record(ctx: RequestContext, given: Given): Promise<Receipt> {
    const samples = samplesOf(given);
    await this.#ensureDays(samples);
    const batch = { samples, visible: visibleGpus(ctx.principal), keepDays: this.#keepDays };
    try {
      return await this.#db.writeAtOnce(ctx, (tx) => take(tx, { ...batch, isContested: false }));
    } catch (error) {
      if (!(error instanceof Contested) && !isDuplicate(error)) throw error;
      return this.#db.write(ctx, async (tx) => {
        if (error instanceof Contested) await fixUnits(tx, error.newUnits);
        return take(tx, { ...batch, isContested: true });
      });
    }
  }

  async #ensureDays(samples: readonly Sample[]): Promise<void> {
    const missing = this.#partitions.missing(samples.map(({ at }) => at.slice(0, 10)));
    if (missing.length > 0)
      await this.#partitions.ensure(await storableDays(this.#db, missing, this.#keepDays));
  }
}

/** One of these samples is there already, or came meanwhile. */
const isDuplicate = (error: unknown): boolean =>
  error instanceof AppError && sqlState(error.cause) === '23505';

/** Nothing was stored: some samples seem to be there already, or the units of metrics have to be settled before. */
class Contested extends Error {
  readonly newUnits: ReadonlyMap<string, string>;

  constructor(newUnits: ReadonlyMap<string, string>) {
    super('Samples are there already, or of metrics that nobody has sent before.');
    this.newUnits = newUnits;
  }
}

/** @throws Contested */
async function take(tx: Queryable, batch: Batch): Promise<Receipt> {
  const { samples, keepDays } = batch;
  const { stored, facts } = await takeSamples(tx, batch);
  const { rejected, fixed } = facts ? judge(samples, facts, keepDays) : { rejected: [], fixed: new Map() };
  if (stored === null) throw new Contested(fixed);
  return { accepted: stored, duplicates: samples.length - rejected.length - stored, rejected };
}

/** Samples of one reading share their moment, and come one after another: it is read once. */
function samplesOf(given: Given): Sample[] {
  let [text, moment] = ['', ''];
  return given.map(({ gpuId, metric, value, unit, at }, index) => {
    if (at !== text) [text, moment] = [String(at), readMoment(at, index)];
    return { gpuId, metric, value, unit, at: moment };
  });
}

function readMoment(at: Given[number]['at'], index: number): string {
  const moment = parseTimestamp(String(at));
  if (moment === undefined) throw invalid(`/samples/${index}/at`, 'must be an RFC 3339 date and time');
  return moment;
}
