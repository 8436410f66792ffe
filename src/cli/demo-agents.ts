import { setTimeout as sleep } from 'node:timers/promises';
import * as agent from '../agent/index.ts';
import { exitCodes } from './exit-codes.ts';
import { Failure } from './failure.ts';

export interface DemoAgent {
  nodeId: string;
  apiKey: string;
}

interface Options {
  url: string;
  token: string;
  hostname: string;
  /** States of its fake GPUs, such as `healthy,spoofed`. */
  gpus: string;
  /** Told of its first inventory and heartbeat. */
  report: (event: agent.AgentEvent) => void;
  /** Ends it. */
  signal: AbortSignal;
}

/** Runs the provider agent with fake GPUs in this process; resolves when its node has been heard. */
export async function startAgent(options: Options): Promise<DemoAgent> {
  const store = memoryStore();
  await new Promise<void>((resolve, reject) => {
    run(options, store, resolve).catch(reject);
  });
  const state = await store.load();
  if (!state) throw new Failure(`The agent of ${options.hostname} has no key.`, exitCodes.refused);
  return { nodeId: state.nodeId, apiKey: state.apiKey };
}

const run = (
  { url, token, hostname, gpus, report, signal }: Options,
  store: Store,
  onHeard: () => void,
): Promise<void> =>
  agent.runAgent({
    url,
    hostname,
    credential: { token },
    client: agent.inventoryClient({ url, signal }),
    driver: agent.fakeDriver({ states: agent.parseFakeStates(gpus), seed: hostname }),
    host: agent.localHost(),
    store,
    signal,
    clock: Date.now,
    sleep: (ms) => sleep(ms, undefined, { signal }),
    random: Math.random,
    report(event) {
      report(event);
      if (event.event === 'heartbeat') onHeard();
    },
  });

type Store = agent.AgentOptions['store'];

/** Forgotten with the process. */
function memoryStore(): Store {
  let kept: Awaited<ReturnType<Store['load']>> = null;
  return {
    load: async () => kept,
    save: async (state) => {
      kept = { ...state };
    },
  };
}
