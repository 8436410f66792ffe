import sql, { type Sql } from 'sql-template-tag';
import { LocalStore } from '../../../kernel/cache/local-store.ts';
import type { ListRequest, Page } from '../../../kernel/db/list.ts';
import type { Queryable } from '../../../kernel/db/transaction.ts';
import type { CursorCodec } from '../../../kernel/http/cursor.ts';
import { gatesAt, levelAt, type SchedulingPolicy } from './schedulability.ts';
import { pageEnd, pageOf, type Scope } from './search.ts';
import { allocationStateAt, type GpuRow, type GpuView, gpuColumns, gpuTables, toGpu } from './view.ts';

/** How much is kept; a GPU is about 1.4 kB. */
const limits = { maxEntries: 20_000, maxBytes: 32 * 2 ** 20 };

export type PrintGpu = (gpu: Partial<GpuView>) => string;

const moment = sql`statement_timestamp()`;

/**
 * Equal for one GPU as long as its answer is: the row versions that it is made of (`xmin`, the transaction that wrote
 * each), and what of it follows from the time alone.
 *
 * @see https://www.postgresql.org/docs/current/ddl-system-columns.html
 */
const stamp = (policy: SchedulingPolicy): Sql => sql`ROW(s.xmin, g.xmin, t.xmin, ${gatesAt(moment, policy)},
  ${levelAt(moment)}, ${allocationStateAt(moment)}, s.maintenance_until > ${moment})::text AS stamp`;

const everything = (policy: SchedulingPolicy): Sql => sql`${gpuColumns(moment, policy)}, ${stamp(policy)}`;

interface Stamped {
  id: string;
  stamp: string;
}

/** A row of a page; `sortValues` say where the next page begins. */
type Place = Stamped & { sortValues: string };

const keyOf = ({ id, stamp }: Stamped): string => `${id} ${stamp}\n`;

interface Options {
  db: Queryable;
  cursors: CursorCodec;
}

/**
 * Pages of GPUs from texts that were printed before. To read and print the seventy values of each of fifty GPUs is the
 * dearest part of a search, and of the cheapest GPUs few change between two. So a search asks which GPUs are on the page
 * and for their stamps, and reads only those whose text it has not got; where most are not known, all at once.
 */
export class PrintedGpus {
  readonly #options: Options;
  readonly #texts = new LocalStore(limits);
  /** Of the GPUs on the latest pages, which part was known. */
  #knownShare = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  async page(request: ListRequest, scope: Scope, print: PrintGpu): Promise<Page<string>> {
    const known = this.#knownShare > 0.5 ? await this.#knownPage(request, scope, print) : null;
    return known ?? this.#wholePage(request, scope, print);
  }

  /** By two looks at the database; null where a GPU changed between them. */
  async #knownPage(request: ListRequest, scope: Scope, print: PrintGpu): Promise<Page<string> | null> {
    const { db, cursors } = this.#options;
    const columns = sql`s.gpu_id AS id, ${stamp(scope.policy)}`;
    const rows = await db.rows<Place>(pageOf(request, scope, columns));
    const places = rows.slice(0, request.limit);
    const texts = places.map((place) => this.#find(place));
    const missing = places.filter((_, at) => texts[at] === undefined);
    this.#learn(places.length - missing.length, places.length);
    const read = await this.#read(missing, scope.policy, print);
    const items = places.map((place, at) => texts[at] ?? read.get(keyOf(place)));
    return items.every((text) => text !== undefined)
      ? { items, nextCursor: pageEnd(rows, request, cursors) }
      : null;
  }

  /** By one look, which reads all of it. */
  async #wholePage(request: ListRequest, scope: Scope, print: PrintGpu): Promise<Page<string>> {
    const { db, cursors } = this.#options;
    const rows = await db.rows<GpuRow & Place>(pageOf(request, scope, everything(scope.policy)));
    const page = rows.slice(0, request.limit);
    const texts = page.map((row) => this.#find(row));
    this.#learn(texts.filter((text) => text !== undefined).length, page.length);
    return {
      items: page.map((row, at) => texts[at] ?? this.#print(row, print)),
      nextCursor: pageEnd(rows, request, cursors),
    };
  }

  /** The texts of these GPUs as they are now, by id and stamp. */
  async #read(
    missing: readonly Place[],
    policy: SchedulingPolicy,
    print: PrintGpu,
  ): Promise<Map<string, string>> {
    if (missing.length === 0) return new Map();
    const rows = await this.#options.db.rows<GpuRow & Stamped>(sql`/* inventory:print_gpus */
      SELECT ${everything(policy)} FROM ${gpuTables} WHERE s.gpu_id = ANY(${missing.map(({ id }) => id)}::uuid[])`);
    return new Map(rows.map((row) => [keyOf(row), this.#print(row, print)]));
  }

  #print(row: GpuRow & Stamped, print: PrintGpu): string {
    const text = print(toGpu(row));
    this.#texts.put(row.id, { text: keyOf(row) + text, tags: [], freshUntil: Number.POSITIVE_INFINITY });
    return text;
  }

  #find(place: Stamped): string | undefined {
    const kept = this.#texts.get(place.id)?.text;
    const key = keyOf(place);
    return kept?.startsWith(key) ? kept.slice(key.length) : undefined;
  }

  #learn(known: number, of: number): void {
    if (of > 0) this.#knownShare += (known / of - this.#knownShare) / 8;
  }
}
