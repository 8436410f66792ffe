import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { client, median, repeat, type Send } from './load.ts';
import type { Result } from './report.ts';
import { operatorKey, type World } from './world.ts';

const lanes = 64;

/** The best that PostgreSQL can do: one statement that claims two GPUs, one that gives them back, nothing else. */
const floorSchema = `
  DROP TABLE IF EXISTS public.floor_gpu, public.floor_allocation;
  CREATE TABLE public.floor_gpu (id int PRIMARY KEY, price int, owner bigint) WITH (fillfactor = 80);
  INSERT INTO public.floor_gpu SELECT g, (hashint4(g) & 4095), NULL FROM generate_series(1, 50000) g;
  CREATE INDEX ON public.floor_gpu (price, id) WHERE owner IS NULL;
  CREATE INDEX ON public.floor_gpu (owner) WHERE owner IS NOT NULL;
  CREATE TABLE public.floor_allocation (id bigint PRIMARY KEY, tenant int, at timestamptz);`;

const floorScript = `\\set a random(1, 9000000000000000)
WITH picked AS (SELECT id FROM public.floor_gpu WHERE owner IS NULL ORDER BY price, id LIMIT 2 FOR UPDATE SKIP LOCKED),
     taken AS (UPDATE public.floor_gpu g SET owner = :a FROM picked WHERE g.id = picked.id RETURNING g.id)
INSERT INTO public.floor_allocation SELECT :a, 1, clock_timestamp() WHERE (SELECT count(*) FROM taken) = 2;
UPDATE public.floor_gpu SET owner = NULL WHERE owner = :a;
`;

async function findPgbench(): Promise<string | null> {
  const versions = await readdir('/usr/lib/postgresql').catch(() => []);
  const [newest] = versions.sort().reverse();
  return newest ? join('/usr/lib/postgresql', newest, 'bin', 'pgbench') : null;
}

/** Pairs of claim and release a second by pgbench, prepared, 16 clients. */
async function floorPerSecond(pgbench: string, ownerUrl: string, seconds: number): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'inv-floor-'));
  const script = join(folder, 'claim.sql');
  await writeFile(script, floorScript);
  const args = ['-n', '-M', 'prepared', '-c', '16', '-j', '1', '-T', String(seconds), '-f', script, ownerUrl];
  const { stdout } = await promisify(execFile)(pgbench, args);
  await rm(folder, { recursive: true });
  return Number(/tps = ([\d.]+)/.exec(stdout)?.[1]);
}

interface Claimed {
  id: string;
  gpus: { gpuId: string }[];
}

/** Claims two GPUs of one model and releases them; an owner map in the client sees every double allocation. */
function claimer(
  send: Send,
  tenantId: string,
  model: string,
  owners: Map<string, string>,
  doubles: { count: number },
) {
  return async () => {
    const request = { count: 2, filter: { modelId: model }, objective: 'cheapest' };
    const claim = await send({ method: 'POST', path: '/v1/allocations', body: { tenantId, request } });
    if (claim.status === 409) return;
    if (claim.status !== 201) throw new Error(`claim: ${claim.status} ${claim.text.slice(0, 300)}`);
    const { id, gpus } = JSON.parse(claim.text) as Claimed;
    for (const { gpuId } of gpus) {
      if (owners.has(gpuId)) doubles.count++;
      owners.set(gpuId, id);
    }
    // Others get their turn while the GPUs are ours.
    await turn();
    for (const { gpuId } of gpus) owners.delete(gpuId);
    const release = await send({ method: 'POST', path: `/v1/allocations/${id}/release`, body: {} });
    if (release.status !== 200) throw new Error(`release: ${release.status} ${release.text.slice(0, 300)}`);
  };
}

/** Select, then update without a guard: what must double-book, or the harness sees nothing. */
async function negativeControl(ownerUrl: string, seconds: number): Promise<number> {
  const pool = new pg.Pool({ connectionString: ownerUrl, max: 16 });
  const owners = new Map<number, number>();
  let doubles = 0;
  await repeat(16, seconds, async (lane) => {
    const { rows } = await pool.query<{ id: number }>(
      'SELECT id FROM public.floor_gpu WHERE owner IS NULL ORDER BY price, id LIMIT 2',
    );
    const ids = rows.map(({ id }) => id);
    await pool.query('UPDATE public.floor_gpu SET owner = $1 WHERE id = ANY($2)', [lane, ids]);
    for (const id of ids) {
      if (owners.has(id)) doubles++;
      owners.set(id, lane);
    }
    await turn();
    for (const id of ids) owners.delete(id);
    await pool.query('UPDATE public.floor_gpu SET owner = NULL WHERE id = ANY($1)', [ids]);
  });
  await pool.end();
  return doubles;
}

const doubleRows = `SELECT count(*)::int AS n FROM (
  SELECT gpu_id FROM inventory.allocation_gpu WHERE released_at IS NULL AND exclusive GROUP BY gpu_id HAVING count(*) > 1) d`;

/** G16, G18: claim and release of two GPUs of one model by 64 callers against pgbench, and nobody gets a GPU twice. */
export async function allocationGoals(world: World, rounds: number, seconds: number): Promise<Result[]> {
  const pgbench = await findPgbench();
  if (!pgbench) {
    console.error('G16, G18 are left out: there is no pgbench (Debian: apt-get install postgresql).');
    return [];
  }
  await world.owner.query(floorSchema);
  await world.owner.query('VACUUM ANALYZE public.floor_gpu');
  const { send, close } = client(world.url, operatorKey, lanes);
  const tenant = JSON.parse(
    (await send({ method: 'POST', path: '/v1/tenants', body: { name: 'bench' } })).text,
  ) as { id: string };
  const { rows } = await world.owner.query<{ model: string }>(
    'SELECT model_id AS model FROM inventory.gpu_state WHERE blocks = 0 GROUP BY 1 ORDER BY count(*) DESC LIMIT 1',
  );
  const doubles = { count: 0 };
  const work = claimer(send, tenant.id, rows[0]?.model ?? '', new Map(), doubles);
  await repeat(lanes, 3, work);
  const pairs = [];
  for (let round = 0; round < rounds; round++) {
    pairs.push({
      floor: await floorPerSecond(pgbench, world.ownerUrl, seconds),
      ours: await repeat(lanes, seconds, work),
    });
  }
  const control = await negativeControl(world.ownerUrl, 3);
  const live = (await world.owner.query<{ n: number }>(doubleRows)).rows[0]?.n ?? 0;
  close();
  const floor = median(pairs.map((pair) => pair.floor));
  const ours = median(pairs.map((pair) => pair.ours.perSecond));
  return [
    {
      id: 'G16',
      goal: 'claim + release by HTTP, c=64, one model / the same two statements by pgbench',
      value: median(pairs.map((pair) => pair.ours.perSecond / pair.floor)),
      rule: '>=',
      target: 0.7,
      detail: `${ours.toFixed(0)} pairs/s (p99 ${median(pairs.map((pair) => pair.ours.p99)).toFixed(0)} ms) / ${floor.toFixed(0)} pairs/s`,
    },
    {
      id: 'G18',
      goal: 'double allocations by 64 callers',
      value: doubles.count + live,
      rule: '=',
      target: 0,
      detail: `the unguarded control in the same run: ${control}`,
    },
    {
      id: 'G18c',
      goal: 'the control must double-book, or the harness is blind',
      value: control,
      rule: '>=',
      target: 1,
      detail: 'select, then update without a guard, 16 lanes',
    },
  ];
}
