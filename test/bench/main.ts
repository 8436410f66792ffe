import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { allocationGoals } from './allocation.ts';
import { cachedGoals } from './cached.ts';
import { candidateGoals } from './candidates.ts';
import { loadFleet } from './fleet.ts';
import { heartbeatGoals } from './heartbeats.ts';
import { memoryGoals } from './memory.ts';
import { metricsGoals } from './metrics.ts';
import { placementGoals } from './peer/goals.ts';
import { isInstalled, packages, startPlacement } from './peer/placement.ts';
import { isMet, type Result, render } from './report.ts';
import { searchGoals } from './search.ts';
import { createWorld, type World } from './world.ts';

/**
 * Measures the goals of docs/performance.md as ratios against references of the same run, on the built server.
 *
 *   npm run bench [-- --gpus=1000000 --providers=20000 --rounds=3 --seconds=8 --only=search,candidates,allocation,cached,heartbeats,metrics,memory]
 *
 * `--heartbeats=1000000 --searches=100000` are what `memory` sends, each for `--memory-seconds=300` at most.
 *
 *   npm run bench -- --peer=placement   against OpenStack Placement instead, where its Debian packages are installed
 *
 * Exit code 1 where a goal is missed.
 */
const { values } = parseArgs({
  options: {
    gpus: { type: 'string', default: '1000000' },
    providers: { type: 'string', default: '20000' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '8' },
    heartbeats: { type: 'string', default: '1000000' },
    searches: { type: 'string', default: '100000' },
    'memory-seconds': { type: 'string', default: '300' },
    peer: { type: 'string' },
    only: { type: 'string', default: 'search,candidates,allocation,cached,heartbeats,metrics,memory' },
  },
});
const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)];
const goals: Record<string, (world: World, rounds: number, seconds: number) => Promise<Result[]>> = {
  search: searchGoals,
  candidates: candidateGoals,
  allocation: allocationGoals,
  cached: cachedGoals,
  heartbeats: heartbeatGoals,
  metrics: metricsGoals,
  memory: (world) =>
    memoryGoals(world, {
      heartbeats: Number(values.heartbeats),
      searches: Number(values.searches),
      seconds: Number(values['memory-seconds']),
    }),
};
const log = (line: string) => console.error(line);

async function peerGoals(world: World): Promise<Result[]> {
  log('Starting Placement');
  const placement = await startPlacement(world.ownerUrl);
  try {
    log(`Measuring against Placement: ${rounds} rounds of ${seconds} s for each of five loads`);
    return await placementGoals(world, placement, rounds, seconds);
  } finally {
    await placement.stop();
  }
}

let isBroken = false;

/** A group that breaks costs nobody else's results; each is told as soon as it is there. */
async function measured(name: string, measure: () => Promise<Result[]> | undefined): Promise<Result[]> {
  try {
    const found = (await measure()) ?? [];
    log(render(found));
    return found;
  } catch (error) {
    isBroken = true;
    console.error(`${name} broke off:`, error);
    return [];
  }
}

if (values.peer !== undefined && values.peer !== 'placement') throw new Error('The one peer is `placement`.');
if (values.peer !== undefined && !isInstalled()) {
  console.log(`Left out: OpenStack Placement is not installed (Debian: apt-get install ${packages}).`);
  process.exit(0);
}

const world = await createWorld();
try {
  log(`Loading ${values.gpus} GPUs of ${values.providers} providers`);
  await loadFleet(world.owner, { providers: Number(values.providers), gpus: Number(values.gpus) }, log);
  await world.restart();
  const results: Result[] = values.peer === undefined ? [] : await peerGoals(world);
  for (const name of values.peer === undefined ? values.only.split(',') : []) {
    log(`Measuring ${name}: ${rounds} rounds of ${seconds} s on each side`);
    results.push(...(await measured(name, () => goals[name]?.(world, rounds, seconds))));
  }
  console.log(
    `\n${cpus().length} CPUs (${cpus()[0]?.model}), ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}, ${values.gpus} GPUs\n`,
  );
  console.log(render(results));
  process.exitCode = results.every(isMet) && !isBroken ? 0 : 1;
} finally {
  await world.close();
}
