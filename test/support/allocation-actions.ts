import { type AllocationMachine, answered } from './allocation-machine.ts';
import type { Expected, ModelAllocation, ModelGpu } from './allocation-model.ts';
import { setDeadline } from './ledger.ts';
import type { Reply } from './outcomes.ts';

export type Random = () => number;

/** What was answered, and what the model says to it; neither where nothing was asked. */
export interface Trace {
  about: string;
  answered?: string;
  expected?: Expected;
}

export interface Action {
  /** How often it comes among the others. */
  weight: number;
  /** Does it to the service and to its model. */
  run(machine: AllocationMachine, random: Random): Promise<Trace>;
}

/** There was nothing to do it to. */
export const idle: Trace = { about: 'nothing' };

const any = <T>(random: Random, items: readonly T[]): T | undefined =>
  items[Math.floor(random() * items.length)];

const trace = (about: string, reply: Reply, expected: Expected): Trace => ({
  about,
  answered: answered(reply),
  expected,
});

function someGpus({ model }: AllocationMachine, random: Random): string[] {
  const all = [...model.gpus.keys()];
  const chosen = Array.from({ length: 1 + Math.floor(random() * 3) }, () => any(random, all) as string);
  return [...new Set(chosen)].sort();
}

/** A claim on named GPUs, whole or in shares. */
const claim = (state: 'held' | 'active'): Action['run'] => {
  return async (machine, random) => {
    const gpuIds = someGpus(machine, random);
    const share = any(random, [1000, 1000, 400, 250]) as number;
    const keeps = random() < 0.6;
    const expected = machine.model.taking(gpuIds, share);
    const policy = { onInterruption: keeps ? 'keep' : 'release' };
    const body = { gpuIds, share, ...policy, ...(state === 'held' && { holdTtlS: 3600 }) };
    return trace(gpuIds.join(), await machine.claim(body, { share, keeps, state }), expected);
  };
};

interface Step {
  expects(machine: AllocationMachine, one: ModelAllocation): Expected;
  apply?(machine: AllocationMachine, one: ModelAllocation): void;
  body?: object;
}

/** An action on any allocation there ever was, mostly on one that lives. */
async function act(machine: AllocationMachine, random: Random, name: string, step: Step): Promise<Trace> {
  const { model } = machine;
  const one = any(random, random() < 0.8 ? model.live() : [...model.allocations.values()]);
  if (!one) return idle;
  const expected = step.expects(machine, one);
  const reply = await machine.post(`/v1/allocations/${one.id}/${name}`, step.body ?? {});
  if (reply.status === 200) step.apply?.(machine, one);
  return trace(one.id, reply, expected);
}

const step =
  (name: string, more: Step): Action['run'] =>
  (machine, random) =>
    act(machine, random, name, more);

/** Something that befalls one of the GPUs that it can befall. */
const befalls = (
  whom: (gpu: ModelGpu) => boolean,
  what: (machine: AllocationMachine, gpu: ModelGpu) => Promise<void>,
): Action['run'] => {
  return async (machine, random) => {
    const gpu = any(random, [...machine.model.gpus.values()].filter(whom));
    if (!gpu) return idle;
    await what(machine, gpu);
    return { about: gpu.id };
  };
};

/** Something that befalls one of the nodes. */
const onNode = (what: (machine: AllocationMachine, node: number) => Promise<void>): Action['run'] => {
  return async (machine, random) => {
    const node = Math.floor(random() * machine.nodes);
    await what(machine, node);
    return { about: `node ${node}` };
  };
};

/** A health check under load that fails, or finds a GPU well. */
const examine = (failed: boolean): Action['run'] =>
  befalls(
    (gpu) => gpu.failed !== failed,
    async ({ service }, gpu) => {
      const check = { gpuId: gpu.id, check: 'burn_in', outcome: failed ? 'failed' : 'ok', underLoad: true };
      await service.as().post('/v1/health-checks').send(check).expect(201);
      gpu.failed = failed;
    },
  );

/** Everything that happens to allocations, and to the GPUs and nodes beneath them. */
export const actions: Readonly<Record<string, Action>> = {
  claim: { weight: 12, run: claim('active') },
  hold: { weight: 6, run: claim('held') },
  request: {
    weight: 6,
    async run(machine, random) {
      const count = 1 + Math.floor(random() * 3);
      const free = new Set(machine.model.free());
      const whole = { share: 1000, keeps: false, state: 'active' } as const;
      const reply = await machine.claim({ request: { count } }, whole);
      const taken = reply.status === 201 ? reply.body.gpus : [];
      const wrong = taken.filter(({ gpuId }) => !free.has(gpuId));
      const expected = free.size >= count ? 'ok' : '409 allocation.no_capacity';
      return trace(`${count} of ${free.size}`, reply, wrong.length > 0 ? 'other GPUs' : expected);
    },
  },
  confirm: {
    weight: 5,
    run: step('confirm', {
      expects: ({ model }, one) => model.confirming(one),
      apply: ({ model }, one) => model.confirm(one),
    }),
  },
  extend: { weight: 4, run: step('extend', { expects: ({ model }, one) => model.extending(one) }) },
  release: {
    weight: 8,
    run: step('release', {
      expects: ({ model }, one) => model.releasing(one),
      apply: ({ model }, one) => model.end(one, 'released'),
    }),
  },
  move: {
    weight: 8,
    run(machine, random) {
      const gpuIds = someGpus(machine, random);
      return act(machine, random, 'move', {
        expects: ({ model }, one) => model.moving(one, gpuIds),
        apply: ({ model }, one) => model.move(one, gpuIds),
        body: { gpuIds },
      });
    },
  },
  expire: {
    weight: 3,
    async run({ model, service, sweepers }, random) {
      const one = any(random, model.live());
      if (!one) return idle;
      await setDeadline(service.sql, one.id, -1);
      const ended = await sweepers.expiry.sweep();
      model.end(one, 'expired');
      return { about: one.id, answered: `${ended} ended`, expected: '1 ended' };
    },
  },
  fail: { weight: 3, run: examine(true) },
  repair: { weight: 8, run: examine(false) },
  lose: {
    weight: 4,
    run: befalls(
      () => true,
      async (machine, gpu) => {
        machine.model.lose(gpu.id);
        await machine.report(gpu.node);
      },
    ),
  },
  find: {
    weight: 9,
    run: befalls(
      ({ missing }) => missing,
      async (machine, gpu) => {
        gpu.missing = false;
        await machine.report(gpu.node);
      },
    ),
  },
  clean: {
    weight: 8,
    run: befalls(
      ({ leftovers }) => leftovers.size > 0,
      async ({ service }, gpu) => {
        const [allocationId] = gpu.leftovers;
        await service.as().post(`/v1/gpus/${gpu.id}/cleaning`).send({ allocationId }).expect(200);
        gpu.leftovers.delete(allocationId as string);
      },
    ),
  },
  silence: { weight: 1, run: onNode((machine, node) => machine.fallSilent(node)) },
  hear: { weight: 4, run: onNode((machine, node) => machine.hear(node)) },
  reboot: { weight: 3, run: onNode((machine, node) => machine.reboot(node)) },
  drain: {
    weight: 1,
    run: onNode(async (machine, node) => {
      const { model, service, sweepers } = machine;
      await service
        .as()
        .post(`/v1/nodes/${machine.idOf(node)}/drain`)
        .send({ deadlineS: 0 })
        .expect(200);
      await sweepers.drain.sweep();
      model.drain(node);
    }),
  },
  undrain: {
    weight: 4,
    run: onNode(async (machine, node) => {
      if (!machine.model.draining.delete(node)) return;
      await machine.patchNode(node, { eligibility: 'eligible' });
    }),
  },
  restart: {
    weight: 1,
    async run(machine) {
      if (machine.model.allocations.size % 3 !== 0) return idle;
      await machine.restart();
      return { about: 'the service' };
    },
  },
};
