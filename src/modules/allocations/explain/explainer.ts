import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Static } from 'typebox';
import type { Queryable } from '../../../kernel/db/transaction.ts';
import type { Census } from '../census.ts';
import { Flights } from '../flights.ts';
import { wholeGpu } from '../life/domain.ts';
import { accountsOf } from './accounts.ts';
import { pairsOf } from './pairs.ts';
import { type Asked, type ExplainedSearch, type Question, questionOf } from './question.ts';
import { relaxationsOf } from './relaxations.ts';
import type { Explain as ExplainSchema } from './schemas.ts';
import { type Tally, tally } from './tally.ts';

export type Explain = Static<typeof ExplainSchema>;

const missesAtMost = 5;

/** Whose being taken is nobody's business: of other tenants' GPUs there are only counts. */
const unnamed = 'free';

function missesOf({ predicates }: Question, counted: Tally): Explain['nearestMisses'] {
  return predicates
    .flatMap(({ name }, at) => {
      const miss = name === unnamed ? undefined : counted.miss(at + 1);
      return miss ? [{ ...miss, filter: name }] : [];
    })
    .slice(0, missesAtMost);
}

async function explainIn(db: Queryable, question: Question): Promise<Explain> {
  const counted = await tally(db, question);
  const filters = accountsOf(question, counted);
  const explain = {
    total: counted.after(0),
    filters,
    relaxations: [],
    pairs: [],
    nearestMisses: missesOf(question, counted),
  };
  if (fits(question, explain)) return explain;
  const relaxations = await relaxationsOf(db, question, counted);
  return { ...explain, relaxations, pairs: relaxations.length > 0 ? [] : await pairsOf(db, question) };
}

/** Whether the explained request could be served at the moment of the explanation. */
export const fits = ({ count }: Pick<Asked, 'count'>, { filters }: Pick<Explain, 'filters'>): boolean =>
  (filters.at(-1)?.remaining.gpus ?? 0) >= count;

/** What an explanation depends on beside the request. */
export interface Circumstances {
  /** Seconds that the GPUs are wanted for; null for without an end. */
  placementS?: number | null;
  /** Thousandths of each GPU. */
  share?: number;
  /** Whether a count will do that began before the question: of many who ask the same at once, one pays for all. */
  evenRunning?: boolean;
}

/** Beside the time that a claim takes, well below that of a request. */
const patienceMs = 2000;

interface Options {
  census: Census;
  log: Logger;
  search: ExplainedSearch;
}

/**
 * Explains empty and short answers by exact counts over the whole fleet, each in one snapshot. Requests that ask the
 * same at the same time share one count.
 */
export class Explainer {
  readonly #census: Census;
  readonly #log: Logger;
  readonly #search: ExplainedSearch;
  readonly #flights = new Flights<Explain>();

  constructor({ census, log, search }: Options) {
    this.#census = census;
    this.#log = log;
    this.#search = search;
  }

  /**
   * What each filter of a request removes, and what could be changed.
   *
   * @throws 400 `request.invalid` naming what the filter does not know; 503 `query.timeout` where counting takes too long.
   */
  async explain(
    request: Asked,
    { placementS = null, share = wholeGpu, ...shared }: Circumstances = {},
  ): Promise<Explain> {
    const question = questionOf(this.#search, request, placementS, share);
    const count = (begun: () => void) => this.#census.count((db) => explainIn(db, question), begun);
    return this.#flights.join(nameOf(question), count, shared);
  }

  /** The same for an answer that is due in any case: null where the explanation cannot be had within 2 s. */
  async explainInTime(request: Asked, circumstances: Circumstances = {}): Promise<Explain | null> {
    const enough = new AbortController();
    try {
      const late = delay(patienceMs, null, { signal: enough.signal, ref: false });
      return await Promise.race([this.explain(request, circumstances), late]);
    } catch (error) {
      this.#log.warn({ err: error }, 'an empty answer could not be explained');
      return null;
    } finally {
      enough.abort();
    }
  }
}

/** Equal for requests whose explanations are equal: the order of the keys is part of it. */
const nameOf = ({ count, placementS, share, predicates, bonds }: Question): string =>
  JSON.stringify([count, placementS, share, bonds, predicates.map(({ name, value }) => [name, value])]);
