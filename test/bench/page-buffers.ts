import type { ListRequest } from '../../src/kernel/db/list.ts';
import { readSortValues } from '../../src/kernel/http/keyset.ts';
import { searchSql } from '../../src/modules/inventory/gpus/search.ts';
import { gpuRequest, gpuScope } from '../support/gpu-scope.ts';
import { type Plan, planOf } from '../support/plan-of.ts';
import { type Facets, query } from './mix.ts';
import type { Result } from './report.ts';
import type { World } from './world.ts';

const searches = 200;

const buffers = (plan: Plan): number => plan['Shared Hit Blocks'] + plan['Shared Read Blocks'];

/** Where the page of a request ends; null on the last one. */
async function endOf(world: World, request: ListRequest): Promise<ListRequest['after']> {
  const { text, values } = searchSql(request, gpuScope);
  const { rows } = await world.owner.query<{ sort_values: string }>(text, values);
  const last = rows.length > request.limit ? rows[request.limit - 1] : undefined;
  return last ? readSortValues(last.sort_values) : null;
}

/** G11: the pages of 8 KiB that PostgreSQL reads for a page of the mix, by its own account; 30 % are second pages. */
export async function pageBuffers(world: World, facets: Facets): Promise<Result> {
  const read: { pages: number; asked: string }[] = [];
  for (let i = 0; i < searches; i++) {
    const asked = query(facets);
    const request = gpuRequest(Object.fromEntries(new URLSearchParams(asked)));
    const after = i % 10 < 3 ? await endOf(world, request) : null;
    const plan = await planOf(world.owner, searchSql({ ...request, after }, gpuScope));
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
