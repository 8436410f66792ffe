import { type ListRequest, parseList } from '../../src/kernel/db/list.ts';
import { createCursorCodec } from '../../src/kernel/http/cursor.ts';
import { readSortValues } from '../../src/kernel/http/keyset.ts';
import { createGpuCollection } from '../../src/modules/inventory/gpus/collection.ts';
import { searchSql } from '../../src/modules/inventory/gpus/search.ts';
import { visibleGpus } from '../../src/modules/inventory/gpus/view.ts';
import { type Plan, planOf } from '../support/plan-of.ts';
import { type Facets, query } from './mix.ts';
import type { Result } from './report.ts';
import type { World } from './world.ts';

const policy = { minVerificationLevel: 0 };
const find = (text: string) => [text];
const collection = createGpuCollection(
  { resolve: () => 'uncatalogued', model: () => undefined, models: () => [], find },
  policy,
);
const operator = {
  keyId: '',
  role: 'operator',
  providerId: null,
  nodeId: null,
  tenantId: null,
  scopes: [],
} as const;
const scope = { collection, find, policy, visible: visibleGpus(operator) };
const searches = 200;

const buffers = (plan: Plan): number => plan['Shared Hit Blocks'] + plan['Shared Read Blocks'];

/** Where the page of a request ends; null on the last one. */
async function endOf(world: World, request: ListRequest): Promise<ListRequest['after']> {
  const { text, values } = searchSql(request, scope);
  const { rows } = await world.owner.query<{ sort_values: string }>(text, values);
  const last = rows.length > request.limit ? rows[request.limit - 1] : undefined;
  return last ? readSortValues(last.sort_values) : null;
}

/** G11: the pages of 8 KiB that PostgreSQL reads for a page of the mix, by its own account; 30 % are second pages. */
export async function pageBuffers(world: World, facets: Facets): Promise<Result> {
  const read: { pages: number; asked: string }[] = [];
  const cursors = createCursorCodec(Buffer.alloc(32));
  for (let i = 0; i < searches; i++) {
    const asked = query(facets);
    const request = parseList(collection, cursors, Object.fromEntries(new URLSearchParams(asked)), null);
    const after = i % 10 < 3 ? await endOf(world, request) : null;
    const plan = await planOf(world.owner, searchSql({ ...request, after }, scope));
    read.push({ pages: buffers(plan), asked });
  }
  read.sort((a, b) => a.pages - b.pages);
  const most = read.at(-1);
  return {
    id: 'G11',
    goal: `buffers read for a search page, the most of ${searches} of the mix`,
    value: most?.pages ?? Number.NaN,
    rule: '<=',
    target: 2000,
    detail: `median ${read[searches / 2]?.pages}; the most for ${most?.asked.replace(/^.*limit=50&?/, '') || 'no filter'}`,
  };
}
