import { heartbeatSource, reportersOf } from './heartbeats.ts';
import { type Call, client, repeatTimes } from './load.ts';
import { facetsOf, query } from './mix.ts';
import type { Result } from './report.ts';
import { operatorKey, type World } from './world.ts';

const lanes = 128;

/** Readings of one kind of load: a leak shows as each being higher than the one before. */
const parts = 4;

interface Load {
  heartbeats: number;
  searches: number;
  /** For each of the two; what has not come off by then is left out. */
  seconds: number;
}

/**
 * G23: what the server's memory grows to. It is resident memory, right after the start, when nothing has been asked yet
 * and so neither schemas are compiled nor caches filled, and right after the last answer, with the garbage of the load.
 */
export async function memoryGoals(world: World, { heartbeats, searches, seconds }: Load): Promise<Result[]> {
  await world.restart();
  const before = await world.residentMb();
  const next = heartbeatSource(await reportersOf(world.owner));
  const heard = await send(world, heartbeats, seconds, () => ({
    method: 'POST',
    path: '/v1/heartbeats',
    body: next(),
  }));
  const facets = await facetsOf(world.owner);
  const found = await send(world, searches, seconds, () => ({ path: `/v1/gpus?${query(facets)}` }));
  const after = found.residentMb.at(-1) ?? Number.NaN;
  return [
    {
      id: 'G23',
      goal: `memory after ${heard.sent} heartbeats and ${found.sent} searches / after the start`,
      value: after / before,
      rule: '<=',
      target: 2,
      detail: `${before.toFixed(0)} MiB, by quarters of the heartbeats ${heard.residentMb.join(', ')}, of the searches ${found.residentMb.join(', ')} MiB`,
    },
  ];
}

interface Sent {
  sent: number;
  /** After each part of the load, in MiB. */
  residentMb: number[];
}

async function send(world: World, times: number, seconds: number, next: () => Call): Promise<Sent> {
  const caller = client(world.url, operatorKey, lanes);
  const done: Sent = { sent: 0, residentMb: [] };
  for (let part = 0; part < parts; part++) {
    const one = async () => {
      const call = next();
      const { status, text } = await caller.send(call);
      if (status >= 300) throw new Error(`${call.path}: ${status} ${text.slice(0, 300)}`);
    };
    done.sent += await repeatTimes(lanes, Math.ceil(times / parts), one, seconds / parts);
    done.residentMb.push(Math.round(await world.residentMb()));
  }
  caller.close();
  return done;
}
