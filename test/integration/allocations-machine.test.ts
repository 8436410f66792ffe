import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { AllocationModel, type Expected, type ModelAllocation } from '../support/allocation-model.ts';
import { versionFaults } from '../support/changes.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { createNode, type TestNode } from '../support/fleet.ts';
import { gpuInputs, putInventory } from '../support/gpu-inputs.ts';
import {
  allocationFaults,
  createSweepers,
  ledgerFaults,
  type Sweepers,
  setDeadline,
  unswept,
} from '../support/ledger.ts';
import { createTenant, type TestTenant } from '../support/schedulable.ts';
import { seeded } from '../support/seeded.ts';
import { startService, type TestService } from '../support/service.ts';

const seed = 20_261_125;
const calls = 1000;
const shape = { nodes: 3, gpus: 3 };

interface Machine extends TestNode {
  inputs: ReturnType<typeof gpuInputs>;
  gpuIds: string[];
  generation: number;
}

let database: TestDatabase;
let service: TestService;
let sweepers: Sweepers;
let tenant: TestTenant;
const machines: Machine[] = [];
let model: AllocationModel;
/** How often a GPU was lost under an allocation that stays. */
let outlived = 0;

beforeAll(async () => {
  database = await createDatabase();
  await boot();
  tenant = await createTenant(service);
  const { id: first, providerId } = await build();
  expect(first).toBeDefined();
  for (let more = 1; more < shape.nodes; more++) await build(providerId);
  model = new AllocationModel(
    machines.flatMap(({ gpuIds }, node) => gpuIds.map((id) => ({ id, node, failed: false, missing: false }))),
  );
});
afterAll(async () => {
  await sweepers.close();
  await service.stop();
  await database.drop();
});

it(`a thousand random calls leave the service as the model has it (seed ${seed})`, async () => {
  const random = seeded(seed);
  const steps = Object.entries(actions).flatMap(([name, { weight }]) => Array(weight).fill(name) as string[]);
  const done: Record<string, number> = {};
  for (let call = 1; call <= calls; call++) {
    const name = steps[Math.floor(random() * steps.length)] as string;
    const trace = await (actions[name] as Action).run(random);
    done[name] = (done[name] ?? 0) + 1;
    expect([call, name, trace, ...(await faults(call % 100 === 0 || call === calls))]).toEqual([
      call,
      name,
      trace,
    ]);
  }
  expect(Object.keys(done).sort()).toEqual(Object.keys(actions).sort());
  expect(outlived).toBeGreaterThan(0);
  const ends = new Set([...model.allocations.values()].map(({ state }) => state));
  for (const end of ['released', 'expired', 'interrupted']) expect(ends).toContain(end);
}, 300_000);

type Random = () => number;

interface Action {
  /** How often it comes among the others. */
  weight: number;
  /** Does it, checks the answer by the model, and tells what it was. */
  run(random: Random): Promise<string>;
}

const actions: Record<string, Action> = {
  claim: { weight: 12, run: (random) => claim(random, {}) },
  hold: { weight: 6, run: (random) => claim(random, { holdTtlS: 3600 }) },
  request: {
    weight: 6,
    async run(random) {
      const count = 1 + Math.floor(random() * 3);
      const free = new Set(model.free());
      const reply = await post('/v1/allocations', { request: { count } });
      const trace = check(reply, free.size >= count ? 'ok' : '409 allocation.no_capacity');
      if (reply.status === 201) {
        const gpus = gpusOf(reply.body);
        expect(gpus.filter((id) => !free.has(id))).toEqual([]);
        remember(reply.body.id, { gpus, share: 1000, state: 'active', keeps: false });
      }
      return trace;
    },
  },
  confirm: {
    weight: 5,
    run: (random) =>
      act(
        random,
        'confirm',
        (one) => model.confirming(one),
        (one) => model.confirm(one),
      ),
  },
  extend: { weight: 4, run: (random) => act(random, 'extend', (one) => model.extending(one)) },
  release: {
    weight: 8,
    run: (random) =>
      act(
        random,
        'release',
        (one) => model.releasing(one),
        (one) => model.end(one, 'released'),
      ),
  },
  move: {
    weight: 8,
    run: (random) => {
      const gpuIds = someGpus(random);
      return act(
        random,
        'move',
        (one) => model.moving(one, gpuIds),
        (one) => {
          one.gpus = gpuIds;
        },
        { gpuIds },
      );
    },
  },
  expire: {
    weight: 3,
    async run(random) {
      const one = any(random, model.live());
      if (!one) return 'nothing lives';
      await setDeadline(service.sql, one.id, -1);
      expect(await sweepers.expiry.sweep()).toBe(1);
      model.end(one, 'expired');
      return one.id;
    },
  },
  fail: { weight: 3, run: (random) => examine(random, true) },
  repair: { weight: 8, run: (random) => examine(random, false) },
  lose: {
    weight: 5,
    async run(random) {
      const id = any(random, [...model.gpus.keys()]) as string;
      if (model.live().some((one) => one.keeps && one.gpus.includes(id))) outlived += 1;
      model.lose(id);
      return report(id);
    },
  },
  find: {
    weight: 9,
    async run(random) {
      const gone = [...model.gpus.values()].filter(({ missing }) => missing);
      const gpu = any(random, gone);
      if (!gpu) return 'nothing is missing';
      gpu.missing = false;
      return report(gpu.id);
    },
  },
  drain: {
    weight: 1,
    async run(random) {
      const node = Math.floor(random() * shape.nodes);
      const { id } = machines[node] as Machine;
      await service.as().post(`/v1/nodes/${id}/drain`).send({ deadlineS: 0 }).expect(200);
      await sweepers.drain.sweep();
      model.drain(node);
      return `node ${node}`;
    },
  },
  undrain: {
    weight: 8,
    async run() {
      for (const node of model.draining) {
        const { id } = machines[node] as Machine;
        const patch = { eligibility: 'eligible' };
        await service.as().patch(`/v1/nodes/${id}`).set('if-match', '*').send(patch).expect(200);
      }
      model.draining.clear();
      return 'all';
    },
  },
  reboot: {
    weight: 1,
    async run() {
      if (model.allocations.size % 3 !== 0) return 'not this time';
      await sweepers.close();
      await service.stop();
      await boot();
      return 'done';
    },
  },
};

async function boot(): Promise<void> {
  service = await startService({ ...unswept, HEARTBEAT_MIN_INTERVAL_S: '3600' }, database);
  sweepers = createSweepers(service);
}

async function build(providerId?: string): Promise<TestNode> {
  const node = await createNode(service, providerId);
  const inputs = gpuInputs(shape.gpus);
  const { body } = await putInventory(service, node, { generation: 1, gpus: inputs }).expect(200);
  const beat = { nodeId: node.id, sequence: 1, status: 'healthy' };
  await service.as(node.key).post('/v1/heartbeats').send(beat).expect(202);
  machines.push({ ...node, inputs, gpuIds: body.added, generation: 1 });
  return node;
}

interface Reply {
  status: number;
  body: { id: string; code?: string; gpus: { gpuId: string }[] };
}

const post = (path: string, body: object) => service.as(tenant.key).post(path).send(body);
const gpusOf = ({ gpus }: Reply['body']): string[] => gpus.map(({ gpuId }) => gpuId);
const any = <T>(random: Random, items: readonly T[]): T | undefined =>
  items[Math.floor(random() * items.length)];

const someGpus = (random: Random): string[] => {
  const all = [...model.gpus.keys()];
  return [
    ...new Set(Array.from({ length: 1 + Math.floor(random() * 3) }, () => any(random, all) as string)),
  ].sort();
};

/** Compares an answer with what the model says; returns it for the trace. */
function check({ status, body }: Reply, expected: Expected): string {
  const answered = status < 300 ? 'ok' : `${status} ${body.code}`;
  expect(answered).toBe(expected);
  return answered;
}

function remember(id: string, one: Pick<ModelAllocation, 'gpus' | 'share' | 'state' | 'keeps'>): void {
  model.allocations.set(id, { id, confirmed: one.state === 'active', ...one });
}

async function claim(random: Random, more: { holdTtlS?: number }): Promise<string> {
  const gpuIds = someGpus(random);
  const share = any(random, [1000, 1000, 400, 250]) as number;
  const keeps = random() < 0.6;
  const expected = model.taking(gpuIds, share);
  const onInterruption = keeps ? 'keep' : 'release';
  const reply = await post('/v1/allocations', { gpuIds, share, onInterruption, ...more });
  if (reply.status === 201)
    remember(reply.body.id, { gpus: gpuIds, share, keeps, state: more.holdTtlS ? 'held' : 'active' });
  return check(reply, expected);
}

/** An action on any allocation there ever was, mostly on one that lives. */
async function act(
  random: Random,
  action: string,
  expects: (one: ModelAllocation) => Expected,
  apply: (one: ModelAllocation) => void = () => {},
  body: object = {},
): Promise<string> {
  const from = random() < 0.8 ? model.live() : [...model.allocations.values()];
  const one = any(random, from);
  if (!one) return 'there is none';
  const expected = expects(one);
  const reply = await post(`/v1/allocations/${one.id}/${action}`, body);
  if (reply.status === 200) apply(one);
  return `${one.id} ${check(reply, expected)}`;
}

/** A health check under load that fails, or finds a GPU well. */
async function examine(random: Random, fails: boolean): Promise<string> {
  const gpu = any(
    random,
    [...model.gpus.values()].filter(({ failed }) => failed !== fails),
  );
  if (!gpu) return 'there is none';
  const check = { gpuId: gpu.id, check: 'burn_in', outcome: fails ? 'failed' : 'ok', underLoad: true };
  await service.as().post('/v1/health-checks').send(check).expect(201);
  gpu.failed = fails;
  return gpu.id;
}

/** What the agent of a GPU's node sees now. */
async function report(id: string): Promise<string> {
  const machine = machines[model.gpus.get(id)?.node ?? 0] as Machine;
  machine.generation += 1;
  const seen = machine.inputs.filter((_, place) => !model.gpus.get(machine.gpuIds[place] as string)?.missing);
  const snapshot = { generation: machine.generation, confirmEmpty: true, gpus: seen };
  await putInventory(service, machine, snapshot).expect(200);
  return id;
}

/** Where the database differs from the model, or from itself; the dear checks not each time. */
async function faults(all: boolean): Promise<unknown[]> {
  const { rows } = await service.sql.query<{ line: string }>(
    `SELECT concat_ws(' ', a.id, a.state, coalesce((
              SELECT string_agg(l.gpu_id::text, ',' ORDER BY l.gpu_id) FROM inventory.allocation_gpu l
               WHERE l.allocation_id = a.id AND l.released_at IS NULL), ''),
            (SELECT max(l.units) FROM inventory.allocation_gpu l WHERE l.allocation_id = a.id)) AS line
       FROM inventory.allocation a`,
  );
  const stored = rows.map(({ line }) => line).sort();
  const differing = model.picture().filter((line, place) => line !== stored[place]);
  const counted = await ledgerFaults(service.sql);
  const rest = all ? [...(await allocationFaults(service.sql)), ...(await versionFaults(service.sql))] : [];
  return [...differing, ...counted, ...rest];
}
