import type pg from 'pg';
import { type Call, client, median, type Round, repeat, type Send } from './load.ts';
import type { Result } from './report.ts';
import { operatorKey, type World } from './world.ts';

export interface Facets {
  models: string[];
  regions: string[];
  gpus: string[];
}

const pick = <T>(from: readonly T[]): T => from[Math.floor(Math.random() * from.length)] as T;

const usd = (low: number, high: number): string =>
  String(Math.round((low + Math.random() * (high - low)) * 1e9));

export async function facetsOf(owner: pg.Pool): Promise<Facets> {
  const list = async (text: string) => (await owner.query<{ v: string }>(text)).rows.map(({ v }) => v);
  return {
    models: await list('SELECT model_id AS v FROM inventory.gpu_state GROUP BY 1'),
    regions: await list('SELECT region AS v FROM inventory.gpu_state GROUP BY 1'),
    gpus: await list('SELECT gpu_id::text AS v FROM inventory.gpu_state TABLESAMPLE SYSTEM (0.5) LIMIT 2000'),
  };
}

/** 40 % model + region + price, 30 % memory + CUDA + region + price + reputation, 20 % without region, 5 % rare, 5 % no filter. */
export function query({ models, regions }: Facets): string {
  const free = 'schedulable=true&isAllocated=false&sort=pricePerHourNanoUsd&limit=50';
  const draw = Math.random();
  if (draw < 0.4)
    return `${free}&model=${pick(models)}&region=${pick(regions)}&maxPricePerHourNanoUsd=${usd(0.5, 4)}`;
  const roomy = `${free}&minMemoryMb=${pick([12288, 16384, 24576])}&maxPricePerHourNanoUsd=${usd(1, 4)}&minReputation=${(Math.random() * 0.8).toFixed(2)}`;
  if (draw < 0.7)
    return `${roomy}&cudaVersion.gte=12.${Math.floor(Math.random() * 6)}&region=${pick(regions)}`;
  if (draw < 0.9) return roomy;
  return draw < 0.95 ? `${free}&vendor=amd` : free;
}

/** 30 % of the searches go on from the page before. */
function searcher(send: Send, facets: Facets): () => Promise<void> {
  let next: string | null = null;
  return async () => {
    const path: string = next && Math.random() < 0.3 ? next : `/v1/gpus?${query(facets)}`;
    const { status, text } = await send({ path });
    if (status !== 200) throw new Error(`${path}: ${status} ${text.slice(0, 300)}`);
    const { nextCursor } = JSON.parse(text) as { nextCursor: string | null };
    next = nextCursor ? `${path.replace(/&cursor=.*$/, '')}&cursor=${encodeURIComponent(nextCursor)}` : null;
  };
}

const expectOk = async (send: Send, call: Call): Promise<void> => {
  const { status, text } = await send(call);
  if (status >= 300) throw new Error(`${call.path}: ${status} ${text.slice(0, 300)}`);
};

/** G7, G8: a page of 50 against one GPU by its id, through HTTP with a key, four lanes each. */
export async function searchGoals(world: World, rounds: number, seconds: number): Promise<Result[]> {
  const facets = await facetsOf(world.owner);
  const { send, close } = client(world.url, operatorKey, 4);
  const search = searcher(send, facets);
  const byId = () => expectOk(send, { path: `/v1/gpus/${pick(facets.gpus)}` });
  await repeat(4, 3, search);
  await repeat(4, 3, byId);
  const pairs: { key: Round; page: Round }[] = [];
  for (let round = 0; round < rounds; round++) {
    pairs.push({ key: await repeat(4, seconds, byId), page: await repeat(4, seconds, search) });
  }
  close();
  const of = (read: (pair: { key: Round; page: Round }) => number) => median(pairs.map(read));
  const ms = (value: number) => `${value.toFixed(1)} ms`;
  return [
    {
      id: 'G7',
      goal: 'search p99 / look-up by id p99, HTTP, c=4',
      value: of(({ page, key }) => page.p99 / key.p99),
      rule: '<=',
      target: 2,
      detail: `search ${ms(of(({ page }) => page.p99))}, ${of(({ page }) => page.perSecond).toFixed(0)}/s; by id ${ms(of(({ key }) => key.p99))}, ${of(({ key }) => key.perSecond).toFixed(0)}/s`,
    },
    {
      id: 'G8',
      goal: 'search p50 / look-up by id p50, HTTP, c=4',
      value: of(({ page, key }) => page.p50 / key.p50),
      rule: '<=',
      target: 5,
      detail: `search ${ms(of(({ page }) => page.p50))}; by id ${ms(of(({ key }) => key.p50))}`,
    },
  ];
}
