import type { Static } from 'typebox';
import type { Cache } from '../../../kernel/cache/cache.ts';
import type { Principal } from '../../../kernel/context.ts';
import { type Collection, listCondition } from '../../../kernel/db/list.ts';
import { invalid } from '../../../kernel/errors.ts';
import type { FilterAst } from '../../../kernel/filters/filters.ts';
import { parseFilterQuery } from '../../../kernel/filters/query.ts';
import { compileFilters } from '../../../kernel/filters/sql.ts';
import { gpuTablesOf, type SchedulingPolicy, visibleGpus } from '../../inventory/index.ts';
import type { Census } from '../census.ts';
import { Flights } from '../flights.ts';
import { type Counted, type GroupRow, groupsOf, moment } from './queries.ts';
import type { Availability, Grouping } from './schemas.ts';

type Answer = Static<typeof Availability>;

/** Every committed change that a count can show carries one of these. */
const tags = ['gpus', 'nodes', 'providers', 'gpu-models'];

interface Options {
  cache: Cache;
  census: Census;
  collection: Collection;
  policy: SchedulingPolicy;
}

/** The whole answer, already checked and printed. */
type Print = (answer: Answer) => string;

function toAnswer(rows: readonly GroupRow[]): Answer {
  return {
    items: rows.map(({ minPrice, medianPrice, maxPrice, groups: _, ...counts }) => ({
      ...counts,
      pricePerHourNanoUsd: { min: minPrice, median: medianPrice, max: maxPrice },
    })),
    groups: rows[0]?.groups ?? 0,
  };
}

function groupingsIn(text: string): Grouping[] {
  const by = text.split(',') as Grouping[];
  if (new Set(by).size < by.length) throw invalid('groupBy', 'names a property twice');
  return by;
}

/** Counts GPUs by what can be had of them. */
export class AvailabilityService {
  readonly #options: Options;
  readonly #flights = new Flights<string>();

  constructor(options: Options) {
    this.#options = options;
  }

  /**
   * The answer as text: from the cache where nothing has been committed since, else counted. What only readings of the
   * hardware change is never kept, since no commit of them invalidates anything.
   *
   * @throws 400 naming the parameter that is unknown, repeated or bad; 503 `query.timeout` where counting takes too long.
   */
  read(principal: Principal, query: Record<string, unknown>, print: Print): Promise<string> {
    const { cache, collection } = this.#options;
    const filters = parseFilterQuery(collection.filters, query, ['groupBy', 'limit']);
    const by = groupingsIn(String(query.groupBy));
    const limit = Number(query.limit);
    const compiled = compileFilters(collection.filters, filters, { moment });
    const read = new Set(compiled.flatMap(({ relations }) => [...relations]));
    const counted = { by, limit, tables: gpuTablesOf(read), condition: this.#condition(principal, filters) };
    const key = keyOf(principal, [by, limit, filters]);
    const count = () => this.#count(key, counted, print);
    return read.has('telemetry')
      ? count()
      : cache.readThroughText({ domain: 'volatile', key: `availability:${key}`, tags }, count);
  }

  #condition(principal: Principal, filters: FilterAst) {
    return listCondition(this.#options.collection, filters, { visible: visibleGpus(principal), moment });
  }

  #count(key: string, counted: Omit<Counted, 'policy'>, print: Print): Promise<string> {
    const { census, policy } = this.#options;
    return this.#flights.join(key, (begun) =>
      census.count(async (db) => print(toAnswer(await groupsOf(db, { ...counted, policy }))), begun),
    );
  }
}

/** Whose view it is, where views differ, and what was asked. */
const keyOf = ({ role, providerId, nodeId }: Principal, asked: unknown[]): string => {
  const scope = role === 'agent' ? nodeId : role === 'provider' ? providerId : null;
  return JSON.stringify([scope, ...asked]);
};
