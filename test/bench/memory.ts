import { heartbeatSource, reportersOf } from './heartbeats.ts';
import { type Call, client, repeatTimes } from './load.ts';
import { facetsOf, query } from './mix.ts';
import type { Result } from './report.ts';
import { operatorKey, type World } from './world.ts';

const lanes = 128;

interface Load {
  heartbeats: number;
  searches: number;
}

/** G23: what the server's memory grows to under so many heartbeats and searches. */
export async function memoryGoals(world: World, { heartbeats, searches }: Load): Promise<Result[]> {
  await world.restart();
  const before = await world.residentMb();
  const next = heartbeatSource(await reportersOf(world.owner));
  await send(world, heartbeats, () => ({ method: 'POST', path: '/v1/heartbeats', body: next() }));
  const facets = await facetsOf(world.owner);
  await send(world, searches, () => ({ path: `/v1/gpus?${query(facets)}` }));
  const after = await world.residentMb();
  return [
    {
      id: 'G23',
      goal: `memory after ${heartbeats} heartbeats and ${searches} searches / after the start`,
      value: after / before,
      rule: '<=',
      target: 2,
      detail: `${after.toFixed(0)} MiB / ${before.toFixed(0)} MiB resident`,
    },
  ];
}

async function send(world: World, times: number, next: () => Call): Promise<void> {
  const caller = client(world.url, operatorKey, lanes);
  await repeatTimes(lanes, times, async () => {
    const call = next();
    const { status, text } = await caller.send(call);
    if (status >= 300) throw new Error(`${call.path}: ${status} ${text.slice(0, 300)}`);
  });
  caller.close();
}
