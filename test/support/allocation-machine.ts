import { AllocationModel, type ModelAllocation, type ModelGpu } from './allocation-model.ts';
import { versionFaults } from './changes.ts';
import type { TestDatabase } from './database.ts';
import { createNode, type TestNode } from './fleet.ts';
import { gpuInputs, putInventory } from './gpu-inputs.ts';
import { allocationFaults, createSweepers, ledgerFaults, type Sweepers, unswept } from './ledger.ts';
import { outcome, type Reply } from './outcomes.ts';
import { createTenant, type TestTenant } from './schedulable.ts';
import { startService, type TestService } from './service.ts';
import { createSweeper, miss, type TestSweeper } from './sweeping.ts';

const shape = { nodes: 3, gpus: 3 };

/** Nothing happens by itself, so that what a call does is that call's doing. */
const settings = {
  ...unswept,
  SWEEP_INTERVAL_MS: '3600000',
  HEARTBEAT_MIN_INTERVAL_S: '3600',
  FLAPPING_LIMIT: '1000',
};

/** A node with what its agent has reported last. */
interface Machine extends TestNode {
  inputs: ReturnType<typeof gpuInputs>;
  gpuIds: string[];
  generation: number;
  sequence: number;
}

export interface Allocated extends Reply {
  body: Reply['body'] & { id: string; gpus: { gpuId: string }[] };
}

/** A service that is swept by hand, with a small fleet of one provider, beside the model of what it should be like. */
export class AllocationMachine {
  readonly model: AllocationModel;
  readonly #database: TestDatabase;
  readonly #tenant: TestTenant;
  readonly #machines: readonly Machine[];
  #running: { service: TestService; sweepers: Sweepers; silence: TestSweeper };

  private constructor(database: TestDatabase, running: Running, tenant: TestTenant, machines: Machine[]) {
    this.#database = database;
    this.#running = running;
    this.#tenant = tenant;
    this.#machines = machines;
    const gpus = machines.flatMap(({ gpuIds }, node) => gpuIds.map((id) => ({ id, node })));
    this.model = new AllocationModel(gpus, [shape.nodes - 1]);
  }

  static async start(database: TestDatabase): Promise<AllocationMachine> {
    const running = await boot(database);
    const { service } = running;
    const machines: Machine[] = [];
    for (let node = 0; node < shape.nodes; node++)
      machines.push(await build(service, machines[0]?.providerId));
    const machine = new AllocationMachine(database, running, await createTenant(service), machines);
    await machine.patchNode(shape.nodes - 1, { cleaningRequired: true });
    return machine;
  }

  get service(): TestService {
    return this.#running.service;
  }

  get sweepers(): Sweepers {
    return this.#running.sweepers;
  }

  get nodes(): number {
    return this.#machines.length;
  }

  post(path: string, body: object): PromiseLike<Allocated> {
    return this.service.as(this.#tenant.key).post(path).send(body);
  }

  /** A claim of the tenant; the model follows where it is served. */
  async claim(body: object, one: Omit<ModelAllocation, 'id' | 'confirmed' | 'gpus'>): Promise<Allocated> {
    const reply = await this.post('/v1/allocations', body);
    if (reply.status === 201)
      this.model.begin(reply.body.id, { ...one, gpus: reply.body.gpus.map(({ gpuId }) => gpuId) });
    return reply;
  }

  idOf(node: number): string {
    return this.#machine(node).id;
  }

  async patchNode(node: number, patch: object): Promise<void> {
    await this.service
      .as()
      .patch(`/v1/nodes/${this.idOf(node)}`)
      .set('if-match', '*')
      .send(patch)
      .expect(200);
  }

  /** What the agent of a node sees now. */
  async report(node: number): Promise<void> {
    const machine = this.#machine(node);
    const isSeen = (place: number) => !this.#gpu(machine.gpuIds[place] as string).missing;
    const gpus = machine.inputs.filter((_, place) => isSeen(place));
    await this.#snapshot(machine, { confirmEmpty: true, gpus });
  }

  /** A node starts anew: its agent sees nothing yet, is heard, then sees its GPUs numbered otherwise. */
  async reboot(node: number): Promise<void> {
    const machine = this.#machine(node);
    await this.#snapshot(machine, { complete: false, gpus: [] });
    await this.hear(node);
    const turned = machine.inputs.map((input) => ({ ...input, index: (input.index + 1) % shape.gpus }));
    machine.inputs = turned;
    await this.report(node);
  }

  async hear(node: number): Promise<void> {
    const machine = this.#machine(node);
    machine.sequence += 1;
    await beat(this.service, machine);
    this.model.silent.delete(node);
  }

  /** A node misses its deadline by far: it becomes late, then offline, and who does not wait for it ends. */
  async fallSilent(node: number): Promise<void> {
    const { service, sweepers, silence } = this.#running;
    await miss(service, [this.#machine(node)], 60);
    for (const _ of ['late', 'offline']) await silence.sweep();
    await sweepers.expiry.sweep();
    this.model.fallSilent(node);
  }

  /** The service ends and another one starts on the same database. */
  async restart(): Promise<void> {
    await this.stop();
    this.#running = await boot(this.#database);
  }

  /** Where the database differs from the model or from itself, and the API from either. */
  async faults(): Promise<unknown[]> {
    const { sql } = this.service;
    const faults = await Promise.all([
      this.#differences(),
      ledgerFaults(sql),
      allocationFaults(sql),
      versionFaults(sql),
      this.#miscounts(),
    ]);
    return faults.flat();
  }

  stop(): Promise<void> {
    return this.service.stop();
  }

  async #differences(): Promise<string[]> {
    const { rows } = await this.service.sql.query<{ line: string }>(picture);
    const [stored, expected] = [new Set(rows.map(({ line }) => line)), this.model.picture()];
    const missing = expected.filter((line) => !stored.delete(line));
    return [...missing.map((line) => `not there: ${line}`), ...[...stored].map((line) => `there: ${line}`)];
  }

  async #miscounts(): Promise<object[]> {
    const providerId = this.#machines[0]?.providerId;
    const [provider, availability] = await Promise.all([
      this.service.as().get(`/v1/providers/${providerId}`),
      this.service.as().get(`/v1/availability?groupBy=provider&providerId=${providerId}`),
    ]);
    const { gpusFree, gpus } = provider.body.counts;
    const { free, held, allocated, unschedulable, total } = availability.body.items[0];
    const said = { total, free, held, allocated, unschedulable, gpusFree };
    const expected = this.model.counts();
    const isRight = JSON.stringify(said) === JSON.stringify(expected) && gpus === total;
    return isRight ? [] : [{ said, gpus, expected }];
  }

  #machine(node: number): Machine {
    return this.#machines[node] as Machine;
  }

  #gpu(id: string): ModelGpu {
    return this.model.gpus.get(id) as ModelGpu;
  }

  async #snapshot(
    machine: Machine,
    snapshot: { gpus: readonly object[]; [field: string]: unknown },
  ): Promise<void> {
    machine.generation += 1;
    await putInventory(this.service, machine, { generation: machine.generation, ...snapshot }).expect(200);
  }
}

interface Running {
  service: TestService;
  sweepers: Sweepers;
  silence: TestSweeper;
}

async function boot(database: TestDatabase): Promise<Running> {
  const service = await startService(settings, database);
  const { db } = service.application.kernel;
  return {
    service,
    sweepers: createSweepers(service, undefined, db),
    silence: createSweeper(service, { breakerMinNodes: 1_000_000 }, { db }),
  };
}

async function build(service: TestService, providerId?: string): Promise<Machine> {
  const node = await createNode(service, providerId);
  const inputs = gpuInputs(shape.gpus);
  const { body } = await putInventory(service, node, { generation: 1, gpus: inputs }).expect(200);
  const machine = { ...node, inputs, gpuIds: body.added, generation: 1, sequence: 1 };
  await beat(service, machine);
  return machine;
}

const beat = (service: TestService, { id, key, sequence }: Machine) =>
  service.as(key).post('/v1/heartbeats').send({ nodeId: id, sequence, status: 'healthy' }).expect(202);

/** The database in the words of the model's picture. */
const picture = `
  SELECT concat_ws(' ', s.gpu_id, CASE s.blocks WHEN 0 THEN 'open' ELSE 'shut' END, s.used_units, s.active_units) AS line
    FROM inventory.gpu_state s
   UNION ALL
  SELECT concat_ws(' ', a.id, a.state, coalesce(string_agg(l.gpu_id::text, ',' ORDER BY l.gpu_id)
                     FILTER (WHERE l.released_at IS NULL), ''), max(l.units))
    FROM inventory.allocation a JOIN inventory.allocation_gpu l ON l.allocation_id = a.id GROUP BY a.id`;

/** An answer in the words of the model. */
export const answered = (reply: Reply): string => (reply.status < 300 ? 'ok' : outcome(reply));
