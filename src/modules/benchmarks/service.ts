import sql from 'sql-template-tag';
import type { Static } from 'typebox';
import type { RequestContext } from '../../kernel/context.ts';
import { listPage, type Page, parseList } from '../../kernel/db/list.ts';
import { invalid, notFound } from '../../kernel/errors.ts';
import { project } from '../../kernel/http/projection.ts';
import { parseTimestamp } from '../../kernel/http/timestamp.ts';
import { newId } from '../../kernel/ids.ts';
import type { Kernel } from '../../module.ts';
import { benchmarks } from './collections.ts';
import { isOutlier } from './domain.ts';
import { unitMismatch } from './errors.ts';
import {
  type BenchmarkItem,
  type BenchmarkRow,
  benchmarkColumns,
  findMeasured,
  fixUnit,
  insertBenchmark,
  sampleOf,
  visibleBenchmarks,
  withPercentiles,
} from './queries.ts';
import type { CreateBenchmark } from './schemas.ts';

type Input = Static<typeof CreateBenchmark>;

export class BenchmarkService {
  readonly #kernel: Pick<Kernel, 'db' | 'cursors'>;

  constructor(kernel: Pick<Kernel, 'db' | 'cursors'>) {
    this.#kernel = kernel;
  }

  /**
   * Stores one result: it is append-only, and never changes afterwards. Whether it is an outlier is judged once, by
   * what was known then.
   */
  record(ctx: RequestContext, input: Input): Promise<BenchmarkItem> {
    const measuredAt = readMeasuredAt(input);
    return this.#kernel.db.write(ctx, async (tx) => {
      const measured = await findMeasured(tx, input.gpuId, measuredAt);
      if (!measured) throw notFound('gpu');
      if (measured.ahead) throw invalid('/measuredAt', 'must not be more than 5 minutes in the future');
      const unit = await fixUnit(tx, input);
      if (unit !== input.unit) throw unitMismatch(unit);
      const outlier = isOutlier(input.value, await sampleOf(tx, measured.modelId, input));
      const id = newId();
      const source = `${ctx.principal.role}:${ctx.principal.keyId}`;
      const stored = await insertBenchmark(tx, input, measured, { id, outlier, source });
      await tx.record({
        type: 'benchmark.recorded',
        subject: { type: 'benchmark', id },
        version: 1,
        diff: { after: stored },
        providerId: measured.providerId,
        nodeId: measured.nodeId,
      });
      const [result] = await withPercentiles(tx, [stored]);
      return result as BenchmarkItem;
    });
  }

  async list(
    { principal }: RequestContext,
    query: Record<string, unknown>,
  ): Promise<Page<Partial<BenchmarkItem>>> {
    const { db, cursors } = this.#kernel;
    const request = parseList(benchmarks, cursors, query, principal.nodeId ?? principal.providerId);
    const whole = { ...request, fields: null };
    const { items, nextCursor } = await listPage<BenchmarkRow>(db, cursors, benchmarks, whole, {
      columns: benchmarkColumns,
      from: sql`inventory.benchmark b`,
      visible: visibleBenchmarks(principal),
    });
    const results = await withPercentiles(db, items as BenchmarkRow[]);
    return { items: results.map((result) => project(result, request.fields)), nextCursor };
  }
}

/** To the microsecond and in UTC; null where the moment of arrival counts. */
function readMeasuredAt({ measuredAt }: Input): string | null {
  if (measuredAt === undefined) return null;
  const moment = parseTimestamp(String(measuredAt));
  if (moment === undefined) throw invalid('/measuredAt', 'must be an RFC 3339 date and time');
  return moment;
}
