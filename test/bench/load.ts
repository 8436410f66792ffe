import { connect, type Socket } from 'node:net';
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
  calls: number;
  perSecond: number;
  p50: number;
  p99: number;
}

export type Send = (call: Call) => Promise<Answer>;

/** Calls to one server with one key; what a lane sends goes over a connection of its own. */
export function client(url: string, key: string, connections: number): { send: Send; close(): void } {
  const { hostname, port } = new URL(url);
  const idle = Array.from({ length: connections }, () => new Lane(hostname, Number(port)));
  const all = [...idle];
  const send: Send = async (call) => {
    const lane = idle.pop();
    if (!lane) throw new Error('More calls at once than connections.');
    try {
      return await lane.call(requestOf(call, key, hostname));
    } finally {
      idle.push(lane);
    }
  };
  return {
    send,
    close: () => {
      for (const lane of all) lane.close();
    },
  };
}

function requestOf({ method = 'GET', path, body }: Call, key: string, host: string): string {
  const head = `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${key}\r\n`;
  if (body === undefined) return `${head}\r\n`;
  const payload = JSON.stringify(body);
  return `${head}content-type: application/json\r\ncontent-length: ${Buffer.byteLength(payload)}\r\n\r\n${payload}`;
}

/**
 * One keep-alive connection that has one call under way. It reads just as much HTTP as our servers write (a status line
 * and Content-Length), so that the client costs little of the cores that it shares with what it measures.
 */
class Lane {
  readonly #address: { host: string; port: number };
  #socket: Socket | null = null;
  #chunks: Buffer[] = [];
  #waiting: { resolve(answer: Answer): void; reject(error: Error): void } | null = null;

  constructor(host: string, port: number) {
    this.#address = { host, port };
  }

  call(request: string): Promise<Answer> {
    this.#socket ??= this.#open();
    this.#socket.write(request);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  close(): void {
    this.#socket?.destroy();
  }

  #open(): Socket {
    const socket = connect({ ...this.#address, noDelay: true });
    socket.on('data', (chunk) => this.#read(chunk, socket));
    const fail = (error: Error) => {
      this.#socket = null;
      this.#waiting?.reject(error);
      this.#waiting = null;
    };
    socket.on('error', fail);
    socket.on('close', () => fail(new Error('The server closed the connection.')));
    return socket;
  }

  #read(chunk: Buffer, socket: Socket): void {
    this.#chunks.push(chunk);
    const bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
    const end = bytes.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = bytes.toString('latin1', 0, end);
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
    if (bytes.length < end + 4 + length) return;
    this.#chunks = [];
    if (/connection: close/i.test(head)) {
      socket.removeAllListeners('close').destroy();
      this.#socket = null;
    }
    const answer = { status: Number(head.slice(9, 12)), text: bytes.toString('utf8', end + 4) };
    this.#waiting?.resolve(answer);
    this.#waiting = null;
  }
}

/** Of numbers in ascending order. */
export const percentile = (sorted: readonly number[], share: number): number =>
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
    calls: latencies.length,
    perSecond: latencies.length / elapsedS,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
  };
}

/** Does `work` so many times on `concurrency` lanes, or as often as comes off in `seconds`; resolves with how often. */
export async function repeatTimes(
  concurrency: number,
  times: number,
  work: () => Promise<void>,
  seconds = Number.POSITIVE_INFINITY,
): Promise<number> {
  const end = performance.now() + seconds * 1000;
  let done = 0;
  const lane = async () => {
    while (done < times && performance.now() < end) {
      done++;
      await work();
    }
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
  return done;
}

export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
