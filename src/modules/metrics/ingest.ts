import type { Static } from 'typebox';
import type { RequestContext } from '../../kernel/context.ts';
import type { Database } from '../../kernel/db/database.ts';
import type { Transaction } from '../../kernel/db/transaction.ts';
import { invalid } from '../../kernel/errors.ts';
import { parseTimestamp } from '../../kernel/http/timestamp.ts';
import { PartitionsOnDemand } from '../../kernel/partitions.ts';
import { visibleGpus } from '../inventory/index.ts';
import { type Facts, type Judgement, judge, type Sample } from './domain.ts';
import type { RecordUsageMetrics, UsageMetricReceipt } from './schemas.ts';
import type { MetricSeries } from './series.ts';
import { fixUnits, insertSamples, readFacts } from './store.ts';

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
    const facts = await readFacts(this.#db, samples, visibleGpus(ctx.principal));
    const judged = judge(samples, facts, this.#keepDays);
    await this.#partitions.ensure(judged.kept.map(({ at }) => at.slice(0, 10)));
    // Almost always one statement; only a metric that is new needs its unit settled before.
    return judged.fixed.size === 0
      ? this.#db.writeAtOnce(ctx, (tx) => store(tx, judged))
      : this.#db.write(ctx, async (tx) =>
          store(tx, judge(samples, await withNewUnits(tx, facts, judged), this.#keepDays)),
        );
  }
}

async function store(tx: Transaction, { kept, duplicates, rejected }: Judgement): Promise<Receipt> {
  const stored = kept.length === 0 ? 0 : await insertSamples(tx, kept);
  return { accepted: stored, duplicates: duplicates + kept.length - stored, rejected };
}

const withNewUnits = async (tx: Transaction, facts: Facts, { fixed }: Judgement): Promise<Facts> => ({
  ...facts,
  units: new Map([...facts.units, ...(await fixUnits(tx, fixed))]),
});

/** Samples of one reading share their moment: it is read once. */
function samplesOf(given: Given): Sample[] {
  const moments = new Map<unknown, string>();
  return given.map((sample, index) => {
    const at = moments.get(sample.at) ?? readMoment(sample.at, index);
    moments.set(sample.at, at);
    return { ...sample, at };
  });
}

function readMoment(at: Given[number]['at'], index: number): string {
  const moment = parseTimestamp(String(at));
  if (moment === undefined) throw invalid(`/samples/${index}/at`, 'must be an RFC 3339 date and time');
  return moment;
}
