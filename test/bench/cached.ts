import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { client, median, repeat, type Send } from './load.ts';
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

const get = (send: Send, path: string) => async () => {
  const { status } = await send({ path });
  if (status !== 200) throw new Error(`${path}: ${status}`);
};

/** G19: a cached GET with its key checked, against bare Fastify with the same answer. */
export async function cachedGoals(world: World, rounds: number, seconds: number): Promise<Result[]> {
  const path = '/v1/gpu-models/nvidia-rtx-4090-24gb';
  const ours = client(world.url, operatorKey, 32);
  const { text } = await ours.send({ path });
  const server = await startBare(text);
  const bare = client(server.url, operatorKey, 32);
  await repeat(32, 2, get(ours.send, path));
  await repeat(32, 2, get(bare.send, '/'));
  const pairs = [];
  for (let round = 0; round < rounds; round++) {
    pairs.push({
      bare: await repeat(32, seconds, get(bare.send, '/')),
      ours: await repeat(32, seconds, get(ours.send, path)),
    });
  }
  ours.close();
  bare.close();
  await server.stop();
  return [
    {
      id: 'G19',
      goal: 'cached GET with authentication / bare Fastify, in-process hit, c=32',
      value: median(pairs.map((pair) => pair.ours.perSecond / pair.bare.perSecond)),
      rule: '>=',
      target: 0.7,
      detail: `${median(pairs.map((pair) => pair.ours.perSecond)).toFixed(0)}/s / ${median(pairs.map((pair) => pair.bare.perSecond)).toFixed(0)}/s, ${text.length} bytes`,
    },
  ];
}
