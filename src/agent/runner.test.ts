import { afterEach, describe, expect, it } from '@jest/globals';
import {
  type AgentService,
  type Answer,
  agentService,
  type SeenRequest,
} from '../../test/support/agent-service.ts';
import type { AgentEvent, AgentOptions } from './agent-options.ts';
import { inventoryClient } from './client.ts';
import { type Driver, DriverError } from './driver.ts';
import { fakeDriver } from './fake-driver.ts';
import type { Host } from './host.ts';
import { NoCredentialError } from './identity.ts';
import { runAgent } from './runner.ts';
import type { AgentState } from './state-file.ts';

const START = Date.parse('2026-01-01T00:00:00Z');
const enrolled: Answer = { status: 201, body: { node: { id: 'n-1' }, apiKey: 'key-1' } };
const taken: Answer = { status: 200, body: {} };
const heard: Answer = { status: 202, body: { accepted: true, nextHeartbeatInMs: 15_000 } };
const away: Answer = { status: 503, body: { code: 'service.unavailable', detail: 'Later.' } };
const problem = (status: number, code: string): Answer => ({ status, body: { code, detail: code } });

const gpusOf = (nodeId: string) => `/v1/gpus?nodeId=${nodeId}&fields=uuid&limit=500`;
const gpusAre = (...items: object[]): Answer => ({ status: 200, body: { items, nextCursor: null } });

let service: AgentService | null = null;

afterEach(async () => {
  await service?.close();
  service = null;
});

describe('a first start', () => {
  it('enrols, publishes the inventory, sends a heartbeat and keeps its key', async () => {
    const agent = await setup({});
    await agent.run(1);
    expect(agent.paths()).toEqual([
      '/v1/nodes/enroll',
      '/v1/nodes/n-1/inventory',
      '/v1/heartbeats',
      gpusOf('n-1'),
    ]);
    const [, inventory, heartbeat] = agent.requests();
    expect(inventory?.headers.authorization).toBe('Bearer key-1');
    expect(inventory?.body).toMatchObject({
      generation: START,
      complete: true,
      confirmEmpty: false,
      system: { cpuCores: 8, driverVersion: '580.95.05' },
      gpus: [{ index: 0, vendor: 'nvidia' }],
    });
    expect(heartbeat?.body).toMatchObject({
      nodeId: 'n-1',
      sequence: START,
      sentAt: '2026-01-01T00:00:00.000Z',
      status: 'healthy',
      systemMetrics: { memoryUtilization: 40 },
      gpus: [{ xidErrors: [] }],
    });
    expect(agent.state()).toMatchObject({ url: agent.url, nodeId: 'n-1', apiKey: 'key-1', sequence: START });
  });

  it('keeps its key before anything else can fail: the token is spent', async () => {
    const agent = await setup({ once: true }, { '/v1/heartbeats': [away] });
    await expect(agent.run(1)).rejects.toMatchObject({ code: 'service.unavailable' });
    expect(agent.state()).toMatchObject({ nodeId: 'n-1', apiKey: 'key-1' });
  });

  it('leaves unknown fields out', async () => {
    const agent = await setup({});
    await agent.run(1);
    for (const { body } of agent.requests()) expect(JSON.stringify(body)).not.toContain('null');
  });

  it('finds its node by a given key', async () => {
    const agent = await setup({ credential: { apiKey: 'key-9' } });
    await agent.run(1);
    expect(agent.paths()[0]).toBe('/v1/whoami');
    expect(agent.state()).toMatchObject({ nodeId: 'n-9', apiKey: 'key-9' });
  });

  it('cannot begin with nothing', async () => {
    const agent = await setup({ credential: null });
    await expect(agent.run(1)).rejects.toThrow(NoCredentialError);
  });

  it('ends when its token is refused', async () => {
    const agent = await setup({}, { '/v1/nodes/enroll': [problem(401, 'auth.invalid_token')] });
    await expect(agent.run(1)).rejects.toMatchObject({ code: 'auth.invalid_token' });
    expect(agent.state()).toBeNull();
  });

  it('waits for a service that is not there yet', async () => {
    const agent = await setup({}, { '/v1/nodes/enroll': [away, away, enrolled] });
    await agent.run(3);
    expect(agent.waits).toEqual([500, 1_000, 15_000]);
    expect(agent.state()?.nodeId).toBe('n-1');
  });
});

describe('heartbeats', () => {
  it('come when the service says, less the time that looking took', async () => {
    const agent = await setup({ readingMs: 2_000 });
    await agent.run(3);
    expect(agent.waits).toEqual([13_000, 13_000, 13_000]);
  });

  it('never come in a storm, whatever the service says', async () => {
    const body = { accepted: true, nextHeartbeatInMs: 0 };
    const agent = await setup({}, { '/v1/heartbeats': [{ status: 202, body }] });
    await agent.run(1);
    expect(agent.waits).toEqual([1_000]);
  });

  it('back off with full jitter while the service is away, and start small again', async () => {
    const agent = await setup({}, { '/v1/heartbeats': [away, away, away, heard, away, heard] });
    await agent.run(6);
    expect(agent.waits).toEqual([500, 1_000, 2_000, 15_000, 500, 15_000]);
  });

  it('obey Retry-After', async () => {
    const limited: Answer = {
      status: 429,
      headers: { 'retry-after': '7' },
      body: { code: 'request.rate_limited' },
    };
    const agent = await setup({}, { '/v1/heartbeats': [limited, heard] });
    await agent.run(2);
    expect(agent.waits).toEqual([7_500, 15_000]);
  });

  it('go on after one that the service dislikes', async () => {
    const agent = await setup({}, { '/v1/heartbeats': [problem(400, 'request.invalid'), heard] });
    await agent.run(2);
    expect(agent.waits).toEqual([500, 15_000]);
  });

  it('end when the key is no longer good', async () => {
    const agent = await setup({}, { '/v1/heartbeats': [heard, problem(401, 'auth.invalid_key')] });
    await expect(agent.run(5)).rejects.toMatchObject({ code: 'auth.invalid_key' });
  });

  it('count on over a restart, even when the clock went back', async () => {
    const agent = await setup({});
    await agent.run(2);
    agent.setClock(START - 3_600_000);
    await agent.run(2);
    const sequences = agent.bodies('/v1/heartbeats').map(({ sequence }) => sequence);
    expect(sequences).toEqual([START, START + 15_000, START + 15_001, START + 15_002]);
    expect(agent.paths().filter((path) => path === '/v1/nodes/enroll')).toHaveLength(1);
  });

  it('say that the node is degraded while its tool fails, and leave the inventory alone', async () => {
    const broken: Driver = { read: () => Promise.reject(new DriverError('nvidia-smi failed')) };
    const agent = await setup({ driver: broken });
    await agent.run(1);
    expect(agent.bodies('/v1/heartbeats')).toMatchObject([{ status: 'degraded', gpus: [] }]);
    expect(agent.paths()).not.toContain('/v1/nodes/n-1/inventory');
    expect(agent.events()).toContain('driver_failed');
  });
});

describe('processes', () => {
  const driver = () => fakeDriver({ states: ['busy', 'healthy'] });
  const pathOf = (index: number) => `/v1/gpus/g-${index}/processes`;

  /** An agent with two GPUs that the service knows as g-0 and g-1; on the first one a process runs. */
  async function setupBusy(answers: Record<string, Answer[]> = {}, reader: Driver = driver()) {
    const { gpus } = await driver().read('n-1');
    const known = gpusAre(...gpus.map(({ uuid }, index) => ({ id: `g-${index}`, uuid })));
    return setup(
      { driver: reader },
      { [gpusOf('n-1')]: [known], [pathOf(0)]: [taken], [pathOf(1)]: [taken], ...answers },
    );
  }

  it('are published after the heartbeat, with its sequence: of every GPU once, then of those where something runs', async () => {
    const agent = await setupBusy();
    await agent.run(6);
    expect(agent.paths().slice(2, 6)).toEqual(['/v1/heartbeats', gpusOf('n-1'), pathOf(0), pathOf(1)]);
    const processes = [{ pid: 1000, name: 'python3', memoryUsedMb: 1024 }];
    expect(agent.bodies(pathOf(0))).toEqual([
      { generation: START, processes },
      { generation: START + 60_000, processes },
    ]);
    expect(agent.bodies(pathOf(1))).toEqual([{ generation: START, processes: [] }]);
    expect(agent.events().filter((event) => event === 'processes_published')).toHaveLength(2);
  });

  it('are published as soon as they end', async () => {
    let readings = 0;
    const ending: Driver = {
      read: async (scope) => {
        const snapshot = await driver().read(scope);
        const gone = readings++ > 0;
        return { ...snapshot, gpus: snapshot.gpus.map((gpu) => (gone ? { ...gpu, processes: [] } : gpu)) };
      },
    };
    const agent = await setupBusy({}, ending);
    await agent.run(3);
    expect(agent.bodies(pathOf(0))).toMatchObject([
      { processes: [{ pid: 1000 }] },
      { generation: START + 15_000, processes: [] },
    ]);
  });

  it('that are refused hold up neither other GPUs nor heartbeats', async () => {
    const agent = await setupBusy({ [pathOf(0)]: [problem(409, 'processes.stale_generation'), taken] });
    await agent.run(2);
    expect(agent.bodies(pathOf(0))).toHaveLength(2);
    expect(agent.bodies(pathOf(1))).toHaveLength(1);
    expect(agent.bodies('/v1/heartbeats')).toHaveLength(2);
    expect(agent.events()).toContain('processes_refused');
  });

  it('are not asked for again and again where the service does not know the GPU', async () => {
    const agent = await setup({ driver: driver() });
    await agent.run(5);
    expect(agent.paths().filter((path) => path === gpusOf('n-1'))).toHaveLength(2);
  });
});

describe('the inventory', () => {
  const path = '/v1/nodes/n-1/inventory';

  it('is published once while nothing changes, over a restart too', async () => {
    const agent = await setup({});
    await agent.run(3);
    await agent.run(2);
    expect(agent.bodies(path)).toHaveLength(1);
  });

  it('is published again, in a higher generation, when a GPU is lost', async () => {
    const agent = await setup({ driver: fakeDriver({ states: ['healthy', 'lost'] }) });
    await agent.run(2);
    expect(agent.bodies(path)).toMatchObject([
      { generation: START, gpus: [{ index: 0 }, { index: 1 }] },
      { generation: START + 15_000, gpus: [{ index: 0 }] },
    ]);
  });

  it('is confirmed empty only when it is so twice in a row', async () => {
    const agent = await setup({ driver: fakeDriver({ states: ['lost'] }) });
    await agent.run(4);
    expect(
      agent.bodies(path).map(({ confirmEmpty, gpus }) => [(gpus as unknown[]).length, confirmEmpty]),
    ).toEqual([
      [1, false],
      [0, false],
      [0, true],
    ]);
  });

  it('catches up with a generation that the service knows and we forgot', async () => {
    const stale = problem(409, 'inventory.stale_generation');
    const agent = await setup({}, { [path]: [stale, taken] });
    await agent.run(1);
    expect(agent.bodies(path).map(({ generation }) => generation)).toEqual([START, START + 1_000_001]);
    expect(agent.bodies('/v1/heartbeats')).toHaveLength(1);
  });

  it('does not silence the node when it is refused, and is tried again later', async () => {
    const soon: Answer = { status: 202, body: { accepted: true, nextHeartbeatInMs: 5_000 } };
    const refusedOnce = [problem(409, 'gpu.hardware_conflict'), taken];
    const agent = await setup({}, { [path]: refusedOnce, '/v1/heartbeats': [soon] });
    await agent.run(4);
    expect(agent.bodies('/v1/heartbeats')).toHaveLength(4);
    expect(agent.bodies(path).map(({ generation }) => generation)).toEqual([START, START + 15_000]);
    expect(agent.events()).toContain('inventory_refused');
  });
});

describe('directives', () => {
  const asked = (...directives: object[]): Answer => ({
    status: 202,
    body: { accepted: true, nextHeartbeatInMs: 15_000, directives },
  });

  it('to take a snapshot make the next round publish what has not changed, once for each time', async () => {
    const answers = [heard, asked({ type: 'take_snapshot' }), heard];
    const agent = await setup({}, { '/v1/heartbeats': answers });
    await agent.run(4);
    expect(agent.bodies('/v1/nodes/n-1/inventory').map(({ generation }) => generation)).toEqual([
      START,
      START + 30_000,
    ]);
    expect(agent.events().filter((event) => event === 'snapshot_asked')).toHaveLength(1);
  });

  it('to drain, and to answer a challenge, are told when they begin and end, however often they come', async () => {
    const drain = { type: 'drain', deadlineAt: null };
    const challenge = { type: 'answer_challenge', verificationId: 'v-1' };
    const answers = [asked(drain, challenge), asked(drain, challenge), asked(challenge), heard];
    const agent = await setup({}, { '/v1/heartbeats': answers });
    await agent.run(5);
    const told = agent.events().filter((event) => /^drain|^challenged/.test(event));
    expect(told).toEqual(['drain_began', 'challenged', 'drain_ended']);
  });

  it('of a kind that the agent does not know, or that are none, do no harm', async () => {
    const odd = { status: 202, body: { accepted: true, nextHeartbeatInMs: 15_000, directives: 'drain' } };
    const agent = await setup({}, { '/v1/heartbeats': [asked({ type: 'dance' }, { kind: 1 }), odd] });
    await agent.run(2);
    expect(agent.waits).toEqual([15_000, 15_000]);
  });
});

describe('the end', () => {
  it('is clean when told to stop', async () => {
    const agent = await setup({});
    await expect(agent.run(2)).resolves.toBeUndefined();
  });

  it('is clean in the middle of a request', async () => {
    const agent = await setup({}, { '/v1/heartbeats': ['hang'] });
    const running = agent.run(1);
    await agent.seen('/v1/heartbeats');
    agent.stop();
    await expect(running).resolves.toBeUndefined();
    expect(agent.events()).not.toContain('retrying');
  });

  it('comes after one round with `once`', async () => {
    const agent = await setup({ once: true });
    await agent.run(9);
    expect(agent.bodies('/v1/heartbeats')).toHaveLength(1);
    expect(agent.waits).toEqual([]);
  });

  it('comes at the first failure with `once`', async () => {
    const agent = await setup({ once: true }, { '/v1/heartbeats': [away] });
    await expect(agent.run(9)).rejects.toMatchObject({ code: 'service.unavailable' });
  });
});

interface Setting extends Partial<Pick<AgentOptions, 'credential' | 'driver' | 'once'>> {
  /** How long each reading takes by the fake clock. */
  readingMs?: number;
}

/**
 * An agent on a fake clock, whose random number is always one half, before a service with the given answers for a
 * path, one after another (the last for ever). `run(n)` stops it at its n-th wait; a second run is a restart.
 */
async function setup({ readingMs = 0, ...setting }: Setting, answers: Record<string, Answer[]> = {}) {
  let now = START;
  let state: AgentState | null = null;
  let stop = new AbortController();
  const waits: number[] = [];
  const events: AgentEvent[] = [];
  const arrivals = new Map<string, () => void>();
  const script: Record<string, Answer[]> = {
    '/v1/nodes/enroll': [enrolled],
    '/v1/whoami': [{ status: 200, body: { nodeId: 'n-9' } }],
    '/v1/nodes/n-1': [{ status: 200, body: { inventoryGeneration: START + 1_000_000 } }],
    '/v1/nodes/n-1/inventory': [taken],
    '/v1/nodes/n-9/inventory': [taken],
    '/v1/heartbeats': [heard],
    [gpusOf('n-1')]: [gpusAre()],
    [gpusOf('n-9')]: [gpusAre()],
    ...answers,
  };
  const running = await agentService(({ path }: SeenRequest) => {
    arrivals.get(path)?.();
    const left = script[path] ?? [];
    return (left.length > 1 ? left.shift() : left[0]) ?? { status: 404 };
  });
  service = running;
  const driver = setting.driver ?? fakeDriver({ states: ['healthy'] });

  const run = (rounds: number): Promise<void> => {
    stop = new AbortController();
    const { signal } = stop;
    const last = waits.length + rounds;
    return runAgent({
      url: running.url,
      hostname: 'gpu-box',
      credential: { token: 'token-1' },
      once: false,
      ...setting,
      client: inventoryClient({ url: running.url, signal, clock: () => now }),
      driver: {
        read: (scope) => {
          now += readingMs;
          return driver.read(scope);
        },
      },
      host,
      store: {
        load: async () => state,
        save: async (next) => {
          state = { ...next };
        },
      },
      signal,
      clock: () => now,
      sleep: async (ms) => {
        waits.push(ms);
        now += ms;
        if (waits.length >= last) stop.abort();
        signal.throwIfAborted();
      },
      random: () => 0.5,
      report: (event) => events.push(event),
    });
  };

  return {
    url: running.url,
    run,
    waits,
    stop: () => stop.abort(),
    setClock: (ms: number) => {
      now = ms;
    },
    seen: (path: string) => new Promise<void>((resolve) => arrivals.set(path, resolve)),
    state: () => state,
    events: () => events.map(({ event }) => event),
    requests: () => running.requests,
    paths: () => running.requests.map(({ path }) => path),
    bodies: (path: string) =>
      running.requests.filter((request) => request.path === path).map(({ body }) => body),
  };
}

const host: Host = {
  facts: async () => ({
    os: 'Linux',
    kernel: '6.1.0',
    cpuModel: null,
    cpuCores: 8,
    memoryTotalMb: 65_536,
    diskTotalGb: null,
  }),
  metrics: async () => ({
    cpuUtilization: null,
    memoryUtilization: 40,
    diskUtilization: null,
    loadAverage: 0.5,
    uptimeS: 100,
  }),
};
