import { setImmediate as turn } from 'node:timers/promises';
import { createFloor, gpusPerClaim } from './claim-floor.ts';
import { contentionGoals } from './contention.ts';
import { client, median, type Round, repeat, type Send } from './load.ts';
import { findPgbench } from './pgbench.ts';
import type { Result } from './report.ts';
import { operatorKey, type World } from './world.ts';

const lanes = 64;

interface Claimed {
  id: string;
  gpus: { gpuId: string }[];
}

/** Claims and releases; an owner map in the client sees every GPU that two have at once. */
class Claimer {
  doubles = 0;
  /** Claims that found nothing; the fleet is far larger than what is claimed at once. */
  refused = 0;
  readonly #send: Send;
  readonly #tenantId: string;
  readonly #owners = new Set<string>();

  constructor(send: Send, tenantId: string) {
    this.#send = send;
    this.#tenantId = tenantId;
  }

  async pair(modelId: string): Promise<void> {
    const request = { count: gpusPerClaim, filter: { modelId }, objective: 'cheapest' };
    const body = { tenantId: this.#tenantId, request };
    const claim = await this.#send({ method: 'POST', path: '/v1/allocations', body });
    if (claim.status === 409) this.refused++;
    else if (claim.status === 201) await this.#release(JSON.parse(claim.text) as Claimed);
    else throw new Error(`claim: ${claim.status} ${claim.text.slice(0, 300)}`);
  }

  async #release({ id, gpus }: Claimed): Promise<void> {
    for (const { gpuId } of gpus) {
      if (this.#owners.has(gpuId)) this.doubles++;
      this.#owners.add(gpuId);
    }
    // Others get their turn while the GPUs are ours.
    await turn();
    for (const { gpuId } of gpus) this.#owners.delete(gpuId);
    const release = await this.#send({ method: 'POST', path: `/v1/allocations/${id}/release`, body: {} });
    if (release.status !== 200) throw new Error(`release: ${release.status} ${release.text.slice(0, 300)}`);
  }
}

/** Models by how many GPUs of them can be had, the most first. */
async function modelsOf({ owner }: World): Promise<string[]> {
  const { rows } = await owner.query<{ model: string }>(
    'SELECT model_id AS model FROM inventory.gpu_state WHERE blocks = 0 GROUP BY 1 ORDER BY count(*) DESC',
  );
  return rows.map(({ model }) => model);
}

const doubleRows = `SELECT count(*)::int AS n FROM (
  SELECT gpu_id FROM inventory.allocation_gpu WHERE released_at IS NULL AND exclusive GROUP BY gpu_id HAVING count(*) > 1) d`;

interface Sample {
  floor: number;
  hot: Round;
  spread: Round;
}

/** G16-G18 and X5: claims and releases by HTTP against pgbench, hot spot against all models, and nobody gets a GPU twice. */
export async function allocationGoals(world: World, rounds: number, seconds: number): Promise<Result[]> {
  const pgbench = await findPgbench();
  if (!pgbench) {
    console.error('G16-G18 and X5 are left out: there is no pgbench (Debian: apt-get install postgresql).');
    return [];
  }
  const models = await modelsOf(world);
  const hottest = models[0] ?? '';
  const floor = await createFloor(world, pgbench, hottest);
  const { send, close } = client(world.url, operatorKey, lanes);
  const { text } = await send({ method: 'POST', path: '/v1/tenants', body: { name: 'bench' } });
  const tenant = JSON.parse(text) as { id: string };
  const claimer = new Claimer(send, tenant.id);
  const hot = () => claimer.pair(hottest);
  const anyModel = () => claimer.pair(models[Math.floor(Math.random() * models.length)] ?? hottest);
  await repeat(lanes, 3, hot);
  await repeat(lanes, 3, anyModel);
  const samples: Sample[] = [];
  for (let round = 0; round < rounds; round++) {
    samples.push({
      floor: await floor.pairsPerSecond(seconds),
      hot: await repeat(lanes, seconds, hot),
      spread: await repeat(lanes, seconds, anyModel),
    });
  }
  close();
  const kept = (await world.owner.query<{ n: number }>(doubleRows)).rows[0]?.n ?? 0;
  const doubles = { ours: claimer.doubles + kept, control: await floor.unguardedDoubles(3) };
  return [
    ...resultsOf(samples, doubles, claimer.refused),
    ...(await contentionGoals(world, tenant.id, rounds)),
  ];
}

function resultsOf(
  samples: readonly Sample[],
  doubles: { ours: number; control: number },
  refused: number,
): Result[] {
  const of = (read: (sample: Sample) => number) => median(samples.map(read));
  const rate = (read: (sample: Sample) => Round) =>
    `${of((sample) => read(sample).perSecond).toFixed(0)} pairs/s (p99 ${of((sample) => read(sample).p99).toFixed(0)} ms)`;
  return [
    {
      id: 'G16',
      goal: 'claim + release by HTTP, c=64, one model / the least that PostgreSQL needs for it, by pgbench, c=32',
      value: of(({ hot, floor }) => hot.perSecond / floor),
      rule: '>=',
      target: 0.7,
      detail: `${rate(({ hot }) => hot)} with key, exact objective, ledger and change rows / ${of(({ floor }) => floor).toFixed(0)} pairs/s of two narrow statements without any of it`,
    },
    {
      id: 'G17',
      goal: 'claim + release by HTTP, c=64: all want one model / any of all models',
      value: of(({ hot, spread }) => hot.perSecond / spread.perSecond),
      rule: '>=',
      target: 0.9,
      detail: `all models: ${rate(({ spread }) => spread)}; refused: ${refused}`,
    },
    {
      id: 'G18',
      goal: 'double allocations by 64 callers',
      value: doubles.ours,
      rule: '=',
      target: 0,
      detail: `the unguarded control in the same run: ${doubles.control}`,
    },
    {
      id: 'G18c',
      goal: 'the control must double-book, or the harness is blind',
      value: doubles.control,
      rule: '>=',
      target: 1,
      detail: 'select, then update without a guard, 16 lanes',
    },
  ];
}
