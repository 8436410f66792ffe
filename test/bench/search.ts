import { loadFleet } from './fleet.ts';
import { client, median, type Round, repeat } from './load.ts';
import { facetsOf, pageOf, pick, searcher } from './mix.ts';
import { pageBuffers } from './page-buffers.ts';
import type { Result } from './report.ts';
import { createWorld, operatorKey, type World } from './world.ts';

const lanes = 4;
const ms = (value: number) => `${value.toFixed(1)} ms`;

interface Measured extends Round {
  /** CPU milliseconds of one request. */
  server: number;
  database: number;
}

/** A round with what its requests cost. */
async function measured(world: World, seconds: number, work: () => Promise<void>): Promise<Measured> {
  const before = world.cpuMs();
  const begun = performance.now();
  const round = await repeat(lanes, seconds, work);
  const requests = (round.perSecond * (performance.now() - begun)) / 1000;
  const after = world.cpuMs();
  return {
    ...round,
    server: (after.server - before.server) / requests,
    database: (after.database - before.database) / requests,
  };
}

/** What there is to measure at a world, each over the same connections. */
async function opened(world: World) {
  const facets = await facetsOf(world.owner);
  const { send, close } = client(world.url, operatorKey, lanes);
  const byId = async () => {
    const { status } = await send({ path: `/v1/gpus/${pick(facets.gpus)}` });
    if (status !== 200) throw new Error(`by id: ${status}`);
  };
  return { send, close, byId, search: searcher(send, facets), facets };
}

type Opened = Awaited<ReturnType<typeof opened>>;

/** G7, G8: a page of 50 against one GPU by its id, through HTTP with a key, four lanes each. */
async function againstById(world: World, { byId, search }: Opened, rounds: number, seconds: number) {
  await repeat(lanes, 3, search);
  await repeat(lanes, 3, byId);
  const pairs: { key: Measured; page: Measured }[] = [];
  for (let round = 0; round < rounds; round++)
    pairs.push({ key: await measured(world, seconds, byId), page: await measured(world, seconds, search) });
  const of = (read: (pair: { key: Measured; page: Measured }) => number) => median(pairs.map(read));
  const cpu = (side: 'key' | 'page') =>
    `${of((pair) => pair[side].server).toFixed(2)} + ${of((pair) => pair[side].database).toFixed(2)} ms`;
  return [
    {
      id: 'G7',
      goal: 'search p99 / look-up by id p99, HTTP, c=4',
      value: of(({ page, key }) => page.p99 / key.p99),
      rule: '<=' as const,
      target: 2,
      detail: `search ${ms(of(({ page }) => page.p99))}, ${of(({ page }) => page.perSecond).toFixed(0)}/s; by id ${ms(of(({ key }) => key.p99))}, ${of(({ key }) => key.perSecond).toFixed(0)}/s`,
    },
    {
      id: 'G8',
      goal: 'search p50 / look-up by id p50, HTTP, c=4',
      value: of(({ page, key }) => page.p50 / key.p50),
      rule: '<=' as const,
      target: 5,
      detail: `search ${ms(of(({ page }) => page.p50))}; by id ${ms(of(({ key }) => key.p50))}; CPU of server + database: search ${cpu('page')}, by id ${cpu('key')}`,
    },
  ];
}

async function sizeOf({ owner }: World): Promise<{ gpus: number; providers: number }> {
  const { rows } = await owner.query<{ gpus: number; providers: number }>(
    'SELECT (SELECT count(*)::int FROM inventory.gpu) AS gpus, (SELECT count(*)::int FROM inventory.provider) AS providers',
  );
  return rows[0] ?? { gpus: 0, providers: 0 };
}

/** G9: the same searches over a fifth of the fleet, in a database and a server of their own. */
async function againstFifth(
  world: World,
  { search }: Opened,
  rounds: number,
  seconds: number,
): Promise<Result> {
  const { gpus, providers } = await sizeOf(world);
  const size = { gpus: Math.ceil(gpus / 5), providers: Math.ceil(providers / 5) };
  const small = await createWorld();
  try {
    await loadFleet(small.owner, size, () => {});
    await small.restart();
    const fifth = await opened(small);
    await repeat(lanes, 3, fifth.search);
    const pairs: { large: Round; small: Round }[] = [];
    for (let round = 0; round < rounds; round++)
      pairs.push({
        small: await repeat(lanes, seconds, fifth.search),
        large: await repeat(lanes, seconds, search),
      });
    fifth.close();
    return {
      id: 'G9',
      goal: `search p50 at ${gpus} GPUs / at ${size.gpus} GPUs, HTTP, c=4`,
      value: median(pairs.map((pair) => pair.large.p50 / pair.small.p50)),
      rule: '<=',
      target: 1.3,
      detail: `${ms(median(pairs.map((pair) => pair.large.p50)))} / ${ms(median(pairs.map((pair) => pair.small.p50)))}`,
    };
  } finally {
    await small.close();
  }
}

/** G10: a page far down the list of free GPUs by price, against the first. */
async function deepPage(world: World, { send }: Opened, rounds: number, seconds: number): Promise<Result> {
  const free = '/v1/gpus?schedulable=true&isAllocated=false&sort=pricePerHourNanoUsd';
  const { gpus } = await sizeOf(world);
  const wanted = Math.min(500_000, Math.floor(gpus / 2));
  let [depth, path]: [number, string] = [0, `${free}&limit=500&fields=id`];
  while (depth < wanted) {
    const next = await pageOf(send, path);
    if (next === null) break;
    path = next;
    depth += 500;
  }
  const cursor = /&cursor=.*$/.exec(path)?.[0] ?? '';
  const page = (address: string) => async () => void (await pageOf(send, address));
  const pairs: { first: Round; deep: Round }[] = [];
  for (let round = 0; round < rounds; round++)
    pairs.push({
      first: await repeat(lanes, seconds / 2, page(`${free}&limit=50`)),
      deep: await repeat(lanes, seconds / 2, page(`${free}&limit=50${cursor}`)),
    });
  return {
    id: 'G10',
    goal: `page of free GPUs by price at depth ${depth} / first page, p50, HTTP, c=4`,
    value: median(pairs.map((pair) => pair.deep.p50 / pair.first.p50)),
    rule: '<=',
    target: 1.2,
    detail: `${ms(median(pairs.map((pair) => pair.deep.p50)))} / ${ms(median(pairs.map((pair) => pair.first.p50)))}`,
  };
}

/** G7 to G11. */
export async function searchGoals(world: World, rounds: number, seconds: number): Promise<Result[]> {
  const open = await opened(world);
  try {
    return [
      ...(await againstById(world, open, rounds, seconds)),
      await againstFifth(world, open, rounds, seconds),
      await deepPage(world, open, rounds, seconds),
      await pageBuffers(world, open.facets),
    ];
  } finally {
    open.close();
  }
}
