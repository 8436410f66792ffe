import { performance } from 'node:perf_hooks';
import { client, percentile, repeatTimes, type Send } from './load.ts';
import { type Facets, facetsOf, pick, query } from './mix.ts';
import { openNode } from './open-node.ts';
import type { Result } from './report.ts';
import { operatorKey, type World } from './world.ts';

type Ask = (facets: Facets) => object;

const memory = () => pick([8_000, 12_000, 16_000, 24_000, 40_000]);
const price = () => String(pick([1, 2, 3, 4]) * 1_000_000_000);
const ofModel = ({ models }: Facets) => ({ model: pick(models) });

/** What tenants ask for; the large nodes are the ones that the measurement opens. */
const kinds: Readonly<Record<string, Ask>> = {
  'four of different providers': () => ({
    count: 4,
    distinctProviders: true,
    filter: { minMemoryMb: memory(), maxPricePerHourNanoUsd: price() },
  }),
  'model and region': ({ models, regions }) => ({
    count: 1,
    filter: { model: pick(models), regions: [pick(regions)] },
  }),
  'two on a node, best_fit': (facets) => ({
    count: 2,
    sameNode: true,
    objective: 'best_fit',
    filter: ofModel(facets),
  }),
  'four on a node': () => ({ count: 4, sameNode: true, filter: { minMemoryMb: memory() } }),
  'eight on a node, of a model': () => ({
    count: 8,
    sameNode: true,
    sameModel: true,
    filter: { minMemoryMb: 40_000 },
  }),
  'best_fit by memory': () => ({ count: 1, objective: 'best_fit', filter: { minMemoryMb: memory() } }),
  'spread by memory': () => ({ count: 2, objective: 'spread', filter: { minMemoryMb: memory() } }),
  'most_reliable by memory': () => ({
    count: 2,
    objective: 'most_reliable',
    filter: { minMemoryMb: memory() },
  }),
  'two groups': ({ regions }) => ({
    filter: { regions: [pick(regions)] },
    groups: [{ count: 2, filter: { minMemoryMb: 24_000 } }, { count: 2 }],
  }),
  'no filter': () => ({ count: 1 }),
  'no filter, spread': () => ({ count: 1, objective: 'spread' }),
  'no filter, of a model': () => ({ count: 4, sameModel: true }),
};

const lists: Readonly<Record<string, (facets: Facets) => string>> = {
  'the mix of searches': (facets) => `/v1/gpus?${query(facets)}`,
  'by vendor': () => `/v1/gpus?vendor=${pick(['nvidia', 'amd'])}`,
};

/** What calls of one kind took, in milliseconds, ascending, and what one of them cost. */
interface Seen {
  kind: string;
  ms: number[];
  server: number;
  database: number;
}

/** One caller, one call after another. */
async function measured(world: World, kind: string, times: number, call: () => Promise<void>): Promise<Seen> {
  const ms: number[] = [];
  const before = world.cpuMs();
  await repeatTimes(1, times, async () => {
    const begun = performance.now();
    await call();
    ms.push(performance.now() - begun);
  });
  const after = world.cpuMs();
  return {
    kind,
    ms: ms.sort((a, b) => a - b),
    server: (after.server - before.server) / times,
    database: (after.database - before.database) / times,
  };
}

const lineOf = ({ kind, ms, server, database }: Seen): string =>
  `${kind} ${percentile(ms, 0.5).toFixed(1)}/${percentile(ms, 0.95).toFixed(1)} (${server.toFixed(1)} + ${database.toFixed(1)})`;

function resultOf(what: string, target: number, seen: readonly Seen[]): Result {
  const all = seen.flatMap(({ ms }) => ms).sort((a, b) => a - b);
  return {
    id: 'X6',
    goal: `${what}, one caller: p95 in ms`,
    value: percentile(all, 0.95),
    rule: '<=',
    target,
    detail: `p50 ${percentile(all, 0.5).toFixed(1)}; p50/p95 of each kind (CPU of server + database): ${seen.map(lineOf).join('; ')}`,
  };
}

/** X3: eight groups that differ on one node of 16, and what answering them leaves in the server's memory. */
async function explosionGoals(world: World, ask: (body: object) => Promise<void>, nodeId: string) {
  const groups = Array.from({ length: 8 }, (_, at) => ({ count: 1, filter: { minMemoryMb: 1_000 + at } }));
  const call = () => ask({ groups, filter: { nodeId }, sameNode: true });
  await repeatTimes(1, 100, call);
  const before = await world.residentMb();
  const { ms } = await measured(world, '', 200, call);
  const after = await world.residentMb();
  return [
    {
      id: 'X3',
      goal: 'eight groups on a node of 16 GPUs: p95 in ms',
      value: percentile(ms, 0.95),
      rule: '<=' as const,
      target: 100,
      detail: `p50 ${percentile(ms, 0.5).toFixed(1)}`,
    },
    {
      id: 'X3m',
      goal: "the same 200 times: the server's memory after / before",
      value: after / before,
      rule: '<=' as const,
      target: 1.1,
      detail: `${after.toFixed(0)} MiB / ${before.toFixed(0)} MiB resident`,
    },
  ];
}

const served = async (send: Send, call: Parameters<Send>[0]): Promise<void> => {
  const { status, text } = await send(call);
  if (status !== 200) throw new Error(`${call.path}: ${status} ${text.slice(0, 300)}`);
};

/** Large nodes beside those of the fleet, which have four GPUs each. */
const largeNodes = 20;

/** X6 for candidates and lists, X3; a round is a dozen calls of each kind. */
export async function candidateGoals(world: World, rounds: number): Promise<Result[]> {
  const { send, close } = client(world.url, operatorKey, 1);
  for (let at = 0; at < largeNodes; at++) await openNode(send, `large-${at}`, 8);
  const huge = await openNode(send, 'huge', 16);
  const facets = await facetsOf(world.owner);
  const ask = (body: object) => served(send, { method: 'POST', path: '/v1/candidates', body });
  const list = (path: string) => served(send, { path });
  const seen = async (calls: readonly (readonly [string, () => Promise<void>])[]) => {
    const all: Seen[] = [];
    for (const [kind, call] of calls) {
      await repeatTimes(1, 6, call);
      all.push(await measured(world, kind, 12 * rounds, call));
    }
    return all;
  };
  const candidates = Object.entries(kinds).map(([kind, of]) => [kind, () => ask(of(facets))] as const);
  const searches = Object.entries(lists).map(([kind, of]) => [kind, () => list(of(facets))] as const);
  try {
    return [
      resultOf('candidates', 50, await seen(candidates)),
      resultOf('lists of 50', 30, await seen(searches)),
      ...(await explosionGoals(world, ask, huge)),
    ];
  } finally {
    close();
  }
}
