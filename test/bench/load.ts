import { Agent, request } from 'node:http';
import { performance } from 'node:perf_hooks';

export interface Call {
  method?: 'GET' | 'POST';
  path: string;
  body?: object;
}

export interface Answer {
  status: number;
  text: string;
}

/** Latencies of one round in milliseconds, and how many calls a second there were. */
export interface Round {
  perSecond: number;
  p50: number;
  p99: number;
}

export type Send = (call: Call) => Promise<Answer>;

/** Keep-alive connections to one server, with one key. */
export function client(url: string, key: string, connections: number): { send: Send; close(): void } {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const { hostname, port } = new URL(url);
  const send: Send = ({ method = 'GET', path, body }) =>
    new Promise((resolve, reject) => {
      const payload = body === undefined ? undefined : JSON.stringify(body);
      const headers = {
        authorization: `Bearer ${key}`,
        ...(payload === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
      };
      const outgoing = request({ hostname, port, path, method, headers, agent }, (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk) => chunks.push(chunk));
        incoming.on('end', () =>
          resolve({ status: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
        );
      });
      outgoing.on('error', reject);
      outgoing.end(payload);
    });
  return { send, close: () => agent.destroy() };
}

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

/** Repeats `work` on `concurrency` lanes for `seconds`; each call of it counts once. */
export async function repeat(
  concurrency: number,
  seconds: number,
  work: (lane: number) => Promise<void>,
): Promise<Round> {
  const latencies: number[] = [];
  const begun = performance.now();
  const end = begun + seconds * 1000;
  const lane = async (index: number) => {
    while (performance.now() < end) {
      const from = performance.now();
      await work(index);
      latencies.push(performance.now() - from);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, (_, index) => lane(index)));
  const elapsedS = (performance.now() - begun) / 1000;
  latencies.sort((a, b) => a - b);
  return {
    perSecond: latencies.length / elapsedS,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
  };
}

export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
