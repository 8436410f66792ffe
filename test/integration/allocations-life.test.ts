import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { lastChange } from '../support/changes.ts';
import { createNode, type TestNode } from '../support/fleet.ts';
import { gpuInputs, putInventory } from '../support/gpu-inputs.ts';
import { createSweepers, type Sweepers, setDeadline, unswept } from '../support/ledger.ts';
import { lifeTable, type Sign } from '../support/life-table.ts';
import { outcome, type Reply } from '../support/outcomes.ts';
import { createTenant, type TestTenant } from '../support/schedulable.ts';
import { startService, type TestService } from '../support/service.ts';

let service: TestService;
let sweepers: Sweepers;
let tenant: TestTenant;
beforeAll(async () => {
  service = await startService({
    ...unswept,
    SWEEP_INTERVAL_MS: '3600000',
    HEARTBEAT_MIN_INTERVAL_S: '3600',
  });
  sweepers = createSweepers(service);
  tenant = await createTenant(service);
});
afterAll(async () => {
  await sweepers.close();
  await service.stop();
});

/** An allocation of the first of two GPUs that an agent has reported. */
interface Job {
  id: string;
  node: TestNode;
  inputs: ReturnType<typeof gpuInputs>;
  gpuIds: string[];
}

/** How an allocation comes into a state. */
const states: Record<string, { begins: object; goesOn?(job: Job): PromiseLike<unknown> }> = {
  held: { begins: { holdTtlS: 600, durationS: 600 } },
  active: { begins: { durationS: 600 } },
  // Nothing enters it today.
  releasing: {
    begins: {},
    goesOn: ({ id }) =>
      service.sql.query(`UPDATE inventory.allocation SET state = 'releasing' WHERE id = $1`, [id]),
  },
  released: { begins: {}, goesOn: ({ id }) => post(`/${id}/release`).expect(200) },
  expired: { begins: { holdTtlS: 600 }, goesOn: runOut },
  interrupted: {
    begins: { onInterruption: 'release' },
    goesOn: (job) => report(job, { generation: 5, lost: true }),
  },
};

/** What a tenant asks for, by the route of the action. */
const asked: Record<string, (job: Job) => PromiseLike<Reply>> = {
  confirm: ({ id }) => post(`/${id}/confirm`),
  extendHold: ({ id }) => post(`/${id}/extend`, { holdTtlS: 900 }),
  extendDuration: ({ id }) => post(`/${id}/extend`, { durationS: 900 }),
  release: ({ id }) => post(`/${id}/release`),
  move: ({ id, gpuIds }) => post(`/${id}/move`, { gpuIds: gpuIds.slice(1) }),
};

/** What befalls it, and what has to be before. */
const befalling: Record<
  string,
  { policy: string; before?(job: Job): Promise<unknown>; happens(job: Job): Promise<unknown> }
> = {
  expire: {
    policy: 'keep',
    before: (job) => setDeadline(service.sql, job.id, -1),
    happens: () => sweepers.expiry.sweep(),
  },
  interrupt: { policy: 'release', happens: (job) => report(job, { generation: 10, lost: true }) },
  impair: { policy: 'keep', happens: (job) => report(job, { generation: 10, lost: true }) },
  recover: {
    policy: 'keep',
    before: (job) => report(job, { generation: 10, lost: true }),
    happens: (job) => report(job, { generation: 11, lost: false }),
  },
};

const pairs = Object.entries(lifeTable()).flatMap(([state, row]) =>
  Object.entries(row).map(([action, sign]) => [state, action, sign] as [string, string, Sign]),
);

it('the table has every state and every action that there is a way to', () => {
  expect(Object.keys(lifeTable())).toEqual(Object.keys(states));
  const actions = Object.keys(Object.values(lifeTable())[0] ?? {}).sort();
  expect(actions).toEqual([...Object.keys(asked), ...Object.keys(befalling)].sort());
});

describe('what is asked for by a tenant', () => {
  it.each(pairs.filter(([, action]) => action in asked))('%s: %s is %s', async (...[state, action, sign]) => {
    const job = await jobIn(state, 'keep');
    const [before, changes] = [await show(job), await lastChange(service.sql)];
    const reply = await (asked[action] as (typeof asked)[string])(job);
    const after = await show(job);
    expect([outcome(reply), after.version - before.version]).toEqual([
      sign === '×' ? refusal(state, action) : '200',
      sign === '→' ? 1 : 0,
    ]);
    if (sign === '→') return expect(reply.body).toEqual(after);
    expect([after, await lastChange(service.sql)]).toEqual([before, changes]);
    if (sign === '=') expect(reply.body).toEqual(before);
  });
});

describe('what befalls it', () => {
  it.each(pairs.filter(([, action]) => action in befalling))(
    '%s: %s is %s',
    async (...[state, action, sign]) => {
      const { policy, before: precedes, happens } = befalling[action] as (typeof befalling)[string];
      const job = await jobIn(state, policy);
      await precedes?.(job);
      const before = await show(job);
      await happens(job);
      const after = await show(job);
      if (sign === '→') expect(after.version).toBe(before.version + 1);
      else expect(after).toEqual(before);
    },
  );
});

const refusal = (state: string, action: string): string =>
  state === 'expired' && action === 'confirm'
    ? '409 allocation.hold_expired'
    : '409 allocation.illegal_transition';

const post = (path: string, body: object = {}) =>
  service.as(tenant.key).post(`/v1/allocations${path}`).send(body);

async function show({ id }: Job) {
  return (await service.as(tenant.key).get(`/v1/allocations/${id}`).expect(200)).body;
}

async function jobIn(state: string, policy: string): Promise<Job> {
  const { begins, goesOn } = states[state] as (typeof states)[string];
  const node = await createNode(service);
  const inputs = gpuInputs(2);
  const { body } = await putInventory(service, node, { generation: 1, gpus: inputs }).expect(200);
  const beat = { nodeId: node.id, sequence: 1, status: 'healthy' };
  await service.as(node.key).post('/v1/heartbeats').send(beat).expect(202);
  const gpuIds: string[] = body.added;
  const claim = { gpuIds: gpuIds.slice(0, 1), onInterruption: policy, ...begins };
  const job = { id: (await post('', claim).expect(201)).body.id, node, inputs, gpuIds };
  await goesOn?.(job);
  expect((await show(job)).state).toBe(state);
  return job;
}

/** What its agent sees, with the GPU of the job or without. */
const report = async ({ node, inputs }: Job, { generation, lost }: { generation: number; lost: boolean }) =>
  putInventory(service, node, { generation, gpus: lost ? inputs.slice(1) : inputs }).expect(200);

/** Its deadline passes, and somebody sweeps. */
async function runOut({ id }: Job): Promise<void> {
  await setDeadline(service.sql, id, -1);
  await sweepers.expiry.sweep();
}
