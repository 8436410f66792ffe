import type pg from 'pg';
import type { Send } from './load.ts';

export interface Facets {
  models: string[];
  regions: string[];
  gpus: string[];
}

export const pick = <T>(from: readonly T[]): T => from[Math.floor(Math.random() * from.length)] as T;

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

/** The page, and where the next one is; the answer is not parsed for that. */
export async function pageOf(send: Send, path: string): Promise<string | null> {
  const { status, text } = await send({ path });
  if (status !== 200) throw new Error(`${path}: ${status} ${text.slice(0, 300)}`);
  const next = /"nextCursor":"([^"]+)"/.exec(text.slice(-2500))?.[1];
  return next ? `${path.replace(/&cursor=.*$/, '')}&cursor=${encodeURIComponent(next)}` : null;
}

/** 30 % of the searches go on from the page before. */
export function searcher(send: Send, facets: Facets): () => Promise<void> {
  let next: string | null = null;
  return async () => {
    const path: string = next && Math.random() < 0.3 ? next : `/v1/gpus?${query(facets)}`;
    next = await pageOf(send, path);
  };
}
