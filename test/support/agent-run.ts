import { afterEach } from '@jest/globals';
import type { AgentEvent, AgentOptions } from '../../src/agent/agent-options.ts';
import { inventoryClient } from '../../src/agent/client.ts';
import { fakeDriver } from '../../src/agent/fake-driver.ts';
import type { Host } from '../../src/agent/host.ts';
import { runAgent } from '../../src/agent/runner.ts';
import type { AgentState } from '../../src/agent/state-file.ts';
import { type Answer, agentService, type SeenRequest } from './agent-service.ts';

export const START = Date.parse('2026-01-01T00:00:00Z');
export const enrolled: Answer = { status: 201, body: { node: { id: 'n-1' }, apiKey: 'key-1' } };
export const taken: Answer = { status: 200, body: {} };
export const heard: Answer = { status: 202, body: { accepted: true, nextHeartbeatInMs: 15_000 } };
export const away: Answer = { status: 503, body: { code: 'service.unavailable', detail: 'Later.' } };
export const problem = (status: number, code: string): Answer => ({ status, body: { code, detail: code } });

export const gpusOf = (nodeId: string) => `/v1/gpus?nodeId=${nodeId}&fields=uuid&limit=500`;
export const gpusAre = (...items: object[]): Answer => ({ status: 200, body: { items, nextCursor: null } });

interface Setting
  extends Partial<
    Pick<AgentOptions, 'credential' | 'driver' | 'once' | 'drainHook' | 'challengeHook' | 'usageEveryMs'>
  > {
  /** How long each reading takes by the fake clock. */
  readingMs?: number;
  /** How long the service takes by it to answer a path. */
  answerMs?: Record<string, number>;
  /** What is waited for between two rounds; `round` counts from 1. */
  between?: (round: number) => Promise<void>;
}

/** Agents of one test file, each test's own: their services end with the test. */
export function useAgents(): (...given: Parameters<typeof setupAgent>) => ReturnType<typeof setupAgent> {
  let running: Awaited<ReturnType<typeof setupAgent>> | null = null;
  afterEach(async () => {
    await running?.close();
    running = null;
  });
  return async (...given) => {
    running = await setupAgent(...given);
    return running;
  };
}

/**
 * An agent on a fake clock, whose random number is always one half, before a service with the given answers for a
 * path, one after another (the last for ever). `run(n)` stops it at its n-th wait; a second run is a restart.
 */
async function setupAgent(
  { readingMs = 0, answerMs = {}, between, ...setting }: Setting,
  answers: Record<string, Answer[]> = {},
) {
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
    now += answerMs[path] ?? 0;
    const left = script[path] ?? [];
    return (left.length > 1 ? left.shift() : left[0]) ?? { status: 404 };
  });
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
        await between?.(waits.length);
        if (waits.length >= last) stop.abort();
        signal.throwIfAborted();
      },
      random: () => 0.5,
      report: (event) => events.push(event),
    });
  };

  return {
    url: running.url,
    close: running.close,
    run,
    waits,
    stop: () => stop.abort(),
    setClock: (ms: number) => {
      now = ms;
    },
    seen: (path: string) => new Promise<void>((resolve) => arrivals.set(path, resolve)),
    state: () => state,
    events: () => events.map(({ event }) => event),
    log: () => events,
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
