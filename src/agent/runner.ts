import type { AgentOptions } from './agent-options.ts';
import { backoffMs } from './backoff.ts';
import { directiveFollower } from './directives.ts';
import { gpuDirectory } from './gpu-directory.ts';
import type { HostFacts } from './host.ts';
import { identify } from './identity.ts';
import { inventoryPublisher } from './inventory-publisher.ts';
import { processPublisher } from './process-publisher.ts';
import { ServiceError } from './service-error.ts';
import type { AgentSnapshot } from './snapshot.ts';
import type { AgentState } from './state-file.ts';
import { usagePublisher } from './usage-publisher.ts';
import { type Directive, inventoryContent, known } from './wire.ts';

/** What the service dictates is believed within these bounds. */
const SHORTEST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 600_000;

/**
 * Runs an agent until `signal` aborts (it then returns): enrols once, publishes the inventory whenever it differs,
 * and sends heartbeats as the service dictates. An absent service is waited for with growing, jittered pauses.
 * @throws {ServiceError} when the service refuses the token or the key, or on any failure with `once`.
 * @throws {NoCredentialError} when there is nothing to enrol with.
 */
export async function runAgent(options: AgentOptions): Promise<void> {
  try {
    const facts = await options.host.facts();
    const state = await persistently(options, () => identify(options, facts), isFinal);
    await live(options, state, facts);
  } catch (error) {
    if (!options.signal.aborted) throw error;
  }
}

/** One round after another; what they have begun ends with them. With `once` it is waited for. */
async function live(options: AgentOptions, state: AgentState, facts: HostFacts): Promise<void> {
  const ending = new AbortController();
  const directives = directiveFollower(options, state, AbortSignal.any([options.signal, ending.signal]));
  const cycle = heartbeatCycle(options, state, facts, directives.follow);
  try {
    while (!options.signal.aborted) {
      const wait = await persistently(options, cycle, isKeyRefused);
      if (options.once) return;
      await options.sleep(wait, options.signal);
    }
  } finally {
    if (!options.once) ending.abort();
    await directives.settled();
    await save(options, state);
  }
}

const isFinal = (error: ServiceError): boolean => !error.retryable;
/** A running agent outlives every other refusal: a reading that the service dislikes is gone by the next round. */
const isKeyRefused = (error: ServiceError): boolean => error.keyRefused;

/** Repeats after failures of the service until it works, or fails in a way that `givesUp` on. */
async function persistently<T>(
  options: AgentOptions,
  attempt: () => Promise<T>,
  givesUp: (error: ServiceError) => boolean,
): Promise<T> {
  for (let failures = 0; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof ServiceError) || givesUp(error) || options.once) throw error;
      const inMs = backoffMs(failures, options.random, undefined, error.retryAfterMs);
      options.report({ event: 'retrying', inMs, code: error.code, detail: error.message });
      await options.sleep(inMs, options.signal);
    }
  }
}

/** One round: look, publish what changed, say that we live and what runs. Answers how long to wait for the next. */
function heartbeatCycle(
  options: AgentOptions,
  state: AgentState,
  facts: HostFacts,
  follow: (directives: Directive[]) => void,
): () => Promise<number> {
  const { client, host, clock } = options;
  const directory = gpuDirectory(client, clock);
  const processes = processPublisher(client, directory, clock);
  const usage = usagePublisher(options, directory);
  const publish = inventoryStep(options, state, facts, directory.forget);
  const publishProcesses = processStep(options, state, processes);
  return async () => {
    const startedAt = clock();
    const snapshot = await look(options, state.nodeId);
    if (snapshot) await publish(snapshot);
    state.sequence = Math.max(clock(), state.sequence + 1);
    const preparationMs = clock() - startedAt;
    const { directives, ...answer } = await client.sendHeartbeat(state, {
      nodeId: state.nodeId,
      sequence: state.sequence,
      sentAt: new Date(clock()).toISOString(),
      status: snapshot ? 'healthy' : 'degraded',
      systemMetrics: known(await host.metrics()),
      gpus: snapshot ? snapshot.gpus.map((gpu) => known(gpu.telemetry)) : [],
    });
    const answeredAt = clock();
    options.report({ event: 'heartbeat', sequence: state.sequence, ...answer });
    follow(directives);
    await save(options, state);
    if (snapshot) await publishProcesses(snapshot);
    usage.note(snapshot?.gpus.map(({ telemetry }) => telemetry) ?? []);
    await usage.publish(state);
    const spentMs = preparationMs + clock() - answeredAt;
    return Math.max(SHORTEST_WAIT_MS, Math.min(LONGEST_WAIT_MS, answer.nextHeartbeatInMs) - spentMs);
  };
}

/** Publishes each snapshot that brings news. A refused inventory is reported, and does not silence the node. */
function inventoryStep(
  { client, clock, random, once, report }: AgentOptions,
  state: AgentState,
  facts: HostFacts,
  onPublished: () => void,
) {
  const publisher = inventoryPublisher(client, clock, random);
  let emptyBefore = false;
  return async (snapshot: AgentSnapshot): Promise<void> => {
    // One empty reading may be a hiccup of the tool; two in a row are a node without GPUs.
    const empty = snapshot.gpus.length === 0;
    const content = inventoryContent(snapshot, facts, empty && emptyBefore);
    emptyBefore = empty;
    try {
      const outcome = await publisher.publish(state, content);
      if (outcome !== 'published') return;
      onPublished();
      report({ event: 'inventory_published', generation: state.generation, gpus: snapshot.gpus.length });
    } catch (error) {
      if (!(error instanceof ServiceError) || error.status === null || once) throw error;
      report({ event: 'inventory_refused', code: error.code, detail: error.message });
    }
  };
}

/** After the heartbeat, whose sequence is the generation of the lists: whatever becomes of them, the node has lived. */
function processStep(
  { once, report }: AgentOptions,
  state: AgentState,
  publisher: ReturnType<typeof processPublisher>,
) {
  return async ({ gpus }: AgentSnapshot): Promise<void> => {
    try {
      const lists = await publisher.publish(state, state.sequence, gpus);
      if (lists > 0) report({ event: 'processes_published', gpus: lists });
    } catch (error) {
      if (!(error instanceof ServiceError) || once) throw error;
      report({ event: 'processes_refused', code: error.code, detail: error.message });
    }
  };
}

/** A snapshot, or `null` when the tool fails: the node lives, and must not lose its GPUs over that. */
async function look(
  { driver, signal, once, report }: AgentOptions,
  nodeId: string,
): Promise<AgentSnapshot | null> {
  try {
    return await driver.read(nodeId, signal);
  } catch (error) {
    if (signal.aborted || once) throw error;
    report({ event: 'driver_failed', detail: error instanceof Error ? error.message : String(error) });
    return null;
  }
}

/** A full disk must not silence a node: epoch milliseconds count on without the file. */
async function save({ store, report }: AgentOptions, state: AgentState): Promise<void> {
  try {
    await store.save(state);
  } catch (error) {
    report({ event: 'state_not_saved', detail: error instanceof Error ? error.message : String(error) });
  }
}
