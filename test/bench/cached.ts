import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { startRedis } from '../support/redis-server.ts';
import { client, median, type Round, repeat, type Send } from './load.ts';
import type { Result } from './report.ts';
import { operatorKey, type World } from './world.ts';

/** Fastify that answers with the same object, printed each time, and does nothing else. */
const bareServer = `
  import { fastify } from 'fastify';
  const answer = JSON.parse(process.argv[1]);
  const app = fastify();
  app.get('/', async () => answer);
  await app.listen({ port: 0, host: '127.0.0.1' });
  process.stdout.write(String(app.server.address().port));`;

async function startBare(answer: string): Promise<{ url: string; stop(): Promise<void> }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', bareServer, answer], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [port] = (await once(child.stdout, 'data')) as [Buffer];
  return {
    url: `http://127.0.0.1:${port.toString()}`,
    async stop() {
      const ended = once(child, 'exit');
      child.kill();
      await ended;
    },
  };
}

const lanes = 32;

const get = (send: Send, path: string) => async () => {
  const { status } = await send({ path });
  if (status !== 200) throw new Error(`${path}: ${status}`);
};

/** Our answer against the bare one, in the same round. */
async function against(
  bare: Send,
  ours: Send,
  path: string,
  rounds: number,
  seconds: number,
): Promise<Pick<Result, 'value' | 'detail'>> {
  await repeat(lanes, 2, get(ours, path));
  const pairs: Record<'bare' | 'ours', Round>[] = [];
  for (let round = 0; round < rounds; round++) {
    pairs.push({
      bare: await repeat(lanes, seconds, get(bare, '/')),
      ours: await repeat(lanes, seconds, get(ours, path)),
    });
  }
  const rate = (side: 'bare' | 'ours') => median(pairs.map((pair) => pair[side].perSecond)).toFixed(0);
  return {
    value: median(pairs.map((pair) => pair.ours.perSecond / pair.bare.perSecond)),
    detail: `${rate('ours')}/s / ${rate('bare')}/s`,
  };
}

/** G19: a cached GET with its key checked, from the process and from Redis, against bare Fastify with the same answer. */
export async function cachedGoals(world: World, rounds: number, seconds: number): Promise<Result[]> {
  const path = '/v1/gpu-models/nvidia-rtx-4090-24gb';
  // Bare Fastify has served nothing else before either.
  await world.restart();
  const ours = client(world.url, operatorKey, lanes);
  const { text } = await ours.send({ path });
  const server = await startBare(text);
  const bare = client(server.url, operatorKey, lanes);
  await repeat(lanes, 2, get(bare.send, '/'));
  const inProcess = await against(bare.send, ours.send, path, rounds, seconds);
  ours.close();
  const redis = await startRedis();
  await world.restart({ REDIS_URL: redis.url, CACHE_ENTRIES_MAX: '0' });
  const shared = client(world.url, operatorKey, lanes);
  const inRedis = await against(bare.send, shared.send, path, rounds, seconds);
  for (const { close } of [bare, shared]) close();
  await world.restart();
  await Promise.all([redis.stop(), server.stop()]);
  const goal = `bare Fastify of the same ${text.length} bytes, c=${lanes}`;
  return [
    {
      id: 'G19',
      goal: `cached GET with authentication, from the process / ${goal}`,
      ...inProcess,
      rule: '>=',
      target: 0.7,
    },
    {
      id: 'G19r',
      goal: `cached GET with authentication, from Redis / ${goal}`,
      ...inRedis,
      rule: '>=',
      target: 0.4,
    },
  ];
}
