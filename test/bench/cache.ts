import { setImmediate as turn } from 'node:timers/promises';
import { startRedis } from '../support/redis-server.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { newSource, price, type TestCache, testCache } from '../support/test-cache.ts';

/**
 * Figures of docs/adr/0005, by hand: node --import ./test/support/typescript.mjs test/bench/cache.ts
 * Values are texts of 1 KB with three tags, except for the delays.
 */
const text = JSON.stringify({ id: 'gpu-1', labels: 'x'.repeat(1000) });
const nameOf = (i: number) => ({
  domain: 'inventory' as const,
  key: `gpu-${i}`,
  tags: [`gpu:${i}`, 'gpus', 'node:1'],
});

const report = (what: string, samples: number[], unit = 'ms') => {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))]?.toFixed(2);
  console.log(`${what}: p50 ${at(0.5)} ${unit}, p99 ${at(0.99)}, max ${at(1)} (${samples.length} samples)`);
};

/** The time of one call in microseconds, `parallel` of them at a time. */
async function perCall(what: string, calls: number, parallel: number, call: (i: number) => Promise<unknown>) {
  const began = performance.now();
  for (let i = 0; i < calls; i += parallel) {
    await Promise.all(Array.from({ length: parallel }, (_, k) => call(i + k)));
  }
  console.log(
    `${what}: ${(((performance.now() - began) * 1000) / calls).toFixed(2)} µs (${parallel} at a time)`,
  );
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

const server = await startRedis();
const proxy = await startTcpProxy(server.port);
let replicas = 1;
const open = (port: number, maxEntries?: number): TestCache =>
  testCache({
    redisUrl: `redis://127.0.0.1:${port}`,
    replicas: () => replicas,
    ...(maxEntries !== undefined && { maxEntries }),
  });

async function levels() {
  const memory = testCache({ redisUrl: null });
  const load = async () => text;
  await perCall('in-process hit, text', 300_000, 1, () => memory.readThroughText(nameOf(1), load));
  await perCall('in-process hit, object', 100_000, 1, () =>
    memory.readThrough(nameOf(2), async () => JSON.parse(text)),
  );
  await perCall('miss, memory mode', 50_000, 32, (i) => memory.readThroughText(nameOf(i), load));
  const shared = open(server.port, 0);
  await shared.whenInTouch();
  await perCall('miss with Redis, new tags', 9600, 32, (i) => shared.readThroughText(nameOf(i), load));
  await perCall('Redis hit', 9600, 32, (i) => shared.readThroughText(nameOf(i), load));
  await perCall('Redis hit', 3000, 1, (i) => shared.readThroughText(nameOf(i), load));
  await perCall('invalidate', 3000, 1, (i) => shared.invalidate([`gpu:${i}`]));
  await perCall('invalidate', 9600, 32, (i) => shared.invalidate([`gpu:${i}`]));
  await Promise.all([memory.close(), shared.close()]);
}

/** From the moment at which the writer may answer until the other replica shows the write. */
async function visibility() {
  replicas = 2;
  const [here, there] = [open(proxy.port), open(server.port)];
  await Promise.all([here.whenInTouch(), there.whenInTouch()]);
  const source = newSource(0);
  const delay = async () => {
    await there.read(source);
    source.value++;
    await here.invalidate(price.tags);
    return timed(async () => {
      while ((await there.read(source)) !== source.value) await turn();
    });
  };
  const told = [];
  for (let i = 0; i < 1000; i++) told.push(await delay());
  report('seen by the other replica', told);
  const untold = [];
  for (let i = 0; i < 10; i++) {
    proxy.lead(null);
    untold.push(await delay());
    proxy.lead(server.port);
    await Promise.all([here.whenInTouch(), there.whenInTouch()]);
    await there.read(source);
  }
  report('seen by the other replica, writer cut off from Redis', untold);
  await Promise.all([here.close(), there.close()]);
}

/** What a frozen, and then a dead, Redis costs a reader whose load takes no time. */
async function failures() {
  replicas = 1;
  const cache = open(server.port, 0);
  await cache.whenInTouch();
  const read = (i: number) => timed(() => cache.readThroughText(nameOf(i), async () => text));
  const during = async (what: string, ms: number) => {
    const samples = [];
    const end = performance.now() + ms;
    for (let i = 0; performance.now() < end; i++) {
      samples.push(await read(i));
      await turn();
    }
    report(`read, Redis ${what}`, samples);
  };
  process.kill(server.pid, 'SIGSTOP');
  await during('frozen', 6000);
  report('write, Redis frozen', [await timed(() => cache.invalidate(['gpus']))]);
  process.kill(server.pid, 'SIGCONT');
  report('caching again after the thaw', [await timed(() => cache.whenInTouch())]);
  process.kill(server.pid, 'SIGKILL');
  await during('dead', 2000);
  await cache.close();
}

await levels();
await visibility();
await failures();
await proxy.close();
await server.stop();
