import { randomUUID } from 'node:crypto';
import { client, median, type Round, repeat, type Send } from '../load.ts';
import type { Result } from '../report.ts';
import { operatorKey, type World } from '../world.ts';
import { modelTrait, type Placement, regions, regionTrait, models as traits } from './placement.ts';

const pick = <T>(from: readonly T[]): T => from[Math.floor(Math.random() * from.length)] as T;
const below = (n: number): number => Math.floor(Math.random() * n);

interface Sample {
  search: Round;
  candidates: Round;
  claim: Round;
  placementClaim: Round;
  placementPut: Round;
}

/** G12, G14, G15: searches and claims by what is wanted, against OpenStack Placement in the same run. */
export async function placementGoals(
  world: World,
  placement: Placement,
  rounds: number,
  seconds: number,
): Promise<Result[]> {
  const ours = client(world.url, operatorKey, 16);
  const work = await ourWork(world, ours.send);
  const theirs = placementWork(placement);
  await repeat(4, 3, work.search);
  await repeat(16, 3, work.claim);
  await repeat(4, 3, theirs.candidates);
  const samples: Sample[] = [];
  for (let round = 0; round < rounds; round++) {
    samples.push({
      search: await repeat(4, seconds, work.search),
      candidates: await repeat(4, seconds, theirs.candidates),
      claim: await repeat(16, seconds, work.claim),
      placementClaim: await repeat(16, seconds, theirs.claim),
      placementPut: await repeat(16, seconds, theirs.put),
    });
  }
  ours.close();
  const overbooked = await placement.overbooked();
  if (overbooked > 0) console.error(`Placement has overbooked ${overbooked} hosts.`);
  return resultsOf(samples, placement.gpus);
}

/** What is counted is served: anything but the expected statuses ends the run. */
async function expecting(status: Promise<{ status: number; text: string }>, ...expected: number[]) {
  const answer = await status;
  if (!expected.includes(answer.status)) throw new Error(`${answer.status} ${answer.text.slice(0, 300)}`);
  return answer;
}

async function ourWork({ owner }: World, send: Send) {
  const list = async (column: string) =>
    (
      await owner.query<{ v: string }>(
        `SELECT ${column} AS v FROM inventory.gpu_state WHERE blocks = 0 GROUP BY 1 ORDER BY count(*) DESC`,
      )
    ).rows.map(({ v }) => v);
  const [models, places] = [await list('model_id'), await list('region')];
  const { text } = await expecting(
    send({ method: 'POST', path: '/v1/tenants', body: { name: 'peer' } }),
    201,
  );
  const { id: tenantId } = JSON.parse(text) as { id: string };
  const request = { count: 1, filter: { modelId: models[0] } };
  return {
    search: async () => {
      const filter = `model=${pick(models)}&region=${pick(places)}`;
      const path = `/v1/gpus?schedulable=true&isAllocated=false&sort=pricePerHourNanoUsd&limit=50&${filter}`;
      await expecting(send({ path }), 200);
    },
    /** A claim and its release, counted once. */
    claim: async () => {
      const claim = send({ method: 'POST', path: '/v1/allocations', body: { tenantId, request } });
      const { id } = JSON.parse((await expecting(claim, 201)).text) as { id: string };
      await expecting(send({ method: 'POST', path: `/v1/allocations/${id}/release`, body: {} }), 200);
    },
  };
}

function placementWork({ send, commonModel, randomHost }: Placement) {
  const put = (host: string) =>
    send('PUT', `/allocations/${randomUUID()}`, {
      allocations: { [host]: { resources: { PGPU: 1 } } },
      project_id: 'bench',
      user_id: 'bench',
      consumer_generation: null,
      consumer_type: 'INSTANCE',
    });
  const candidatesOf = (limit: number, ...required: string[]) =>
    expecting(
      send('GET', `/allocation_candidates?resources=PGPU:1&required=${required.join()}&limit=${limit}`),
      200,
    );
  return {
    candidates: async () => {
      await candidatesOf(50, modelTrait(below(traits)), regionTrait(below(regions)));
    },
    /** Candidates, then one of them; again where somebody was faster. Nothing is released. */
    claim: async () => {
      for (let tries = 0; tries < 5; tries++) {
        const { text } = await candidatesOf(100, commonModel);
        const { allocation_requests: found } = JSON.parse(text) as {
          allocation_requests: { allocations: Record<string, object> }[];
        };
        const [host = ''] = Object.keys(pick(found).allocations);
        if ((await expecting(put(host), 204, 409)).status === 204) return;
      }
      throw new Error('Placement has refused five times.');
    },
    /** Its best case: no choice at all. A host that is full answers 409, and is counted in its favour. */
    put: async () => {
      await expecting(put(randomHost()), 204, 409);
    },
  };
}

function resultsOf(samples: readonly Sample[], placementGpus: number): Result[] {
  const of = (read: (sample: Sample) => number) => median(samples.map(read));
  const rate = (read: (sample: Sample) => Round) => `${of((sample) => read(sample).perSecond).toFixed(1)}/s`;
  const p99 = (read: (sample: Sample) => Round) => `p99 ${of((sample) => read(sample).p99).toFixed(0)} ms`;
  const size = `Placement holds ${placementGpus} GPUs and checks no key`;
  return [
    {
      id: 'G12',
      goal: 'search, model + region, 50 cheapest, c=4 / Placement allocation_candidates, model + region, limit 50',
      value: of(({ search, candidates }) => search.perSecond / candidates.perSecond),
      rule: '>=',
      target: 75,
      detail: `${rate(({ search }) => search)} (${p99(({ search }) => search)}) / ${rate(({ candidates }) => candidates)} (${p99(({ candidates }) => candidates)}), which come with provider summaries; ${size}`,
    },
    {
      id: 'G14',
      goal: 'claim of the cheapest of one model, with its release, c=16 / Placement candidates (limit 100) + PUT, no release',
      value: of(({ claim, placementClaim }) => claim.perSecond / placementClaim.perSecond),
      rule: '>=',
      target: 50,
      detail: `${rate(({ claim }) => claim)} (${p99(({ claim }) => claim)}) / ${rate(({ placementClaim }) => placementClaim)} (${p99(({ placementClaim }) => placementClaim)}), two calls by design`,
    },
    {
      id: 'G15',
      goal: 'the same claims / Placement PUT of one GPU on a random host, c=16, its best case',
      value: of(({ claim, placementPut }) => claim.perSecond / placementPut.perSecond),
      rule: '>=',
      target: 8,
      detail: `${rate(({ claim }) => claim)} / ${rate(({ placementPut }) => placementPut)}`,
    },
  ];
}
