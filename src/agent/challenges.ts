import type { AgentOptions } from './agent-options.ts';
import { DriverError } from './driver.ts';
import { type Evidence, evidenceOf } from './evidence.ts';
import { HookError, runHook } from './hook.ts';
import { ServiceError } from './service-error.ts';
import type { AgentState } from './state-file.ts';
import { isRecord } from './values.ts';
import type { Challenge } from './wire.ts';

/** What an agent has no answer for: another try would not find one. */
class Unanswerable extends Error {}

/**
 * Answers challenges, each once, while heartbeats go on. The answer to `spec` is a reading of the GPU taken after the
 * challenge; what proves the other kinds (a benchmark, work, a trusted execution environment) only a tool can tell, which
 * the operator gives as a command: it finds the reading on its standard input and prints the evidence, for every kind.
 * What fails is tried again with the next heartbeat, as long as the challenge stands.
 */
export function challengeFollower(options: AgentOptions, state: AgentState, signal: AbortSignal) {
  const { client, clock, driver, report, challengeHook } = options;
  const known = new Set<string>();
  const done = new Set<string>();
  const running = new Map<string, Promise<void>>();

  async function read(challenge: Challenge): Promise<Evidence> {
    const snapshot = await driver.read(state.nodeId, signal);
    const uuid = await client.gpuUuid(state, challenge.gpuId);
    const gpu = snapshot.gpus.find((candidate) => candidate.uuid === uuid);
    if (!gpu) throw new DriverError(`${uuid} is not seen.`);
    return evidenceOf(challenge, snapshot, gpu, new Date(clock()));
  }

  async function prove(challenge: Challenge): Promise<object> {
    if (!challengeHook && challenge.kind !== 'spec')
      throw new Unanswerable(`A challenge of the kind ${challenge.kind} needs a command that answers it.`);
    const reading = await read(challenge);
    if (!challengeHook) return reading;
    const env = {
      INVENTORY_EVENT: 'challenged',
      INVENTORY_NODE_ID: state.nodeId,
      INVENTORY_DEADLINE_AT: challenge.expiresAt,
      INVENTORY_VERIFICATION_ID: challenge.id,
      INVENTORY_KIND: challenge.kind,
      INVENTORY_NONCE: challenge.nonce,
      INVENTORY_GPU_UUID: reading.gpu.uuid ?? '',
    };
    const { stdout } = await runHook(challengeHook, { env, input: JSON.stringify(reading), signal });
    return parsed(stdout);
  }

  async function answer(verificationId: string): Promise<void> {
    try {
      const challenge = await client.challenge(state, verificationId);
      await client.submitEvidence(state, challenge, await prove(challenge));
      done.add(verificationId);
      report({ event: 'challenge_answered', verificationId, kind: challenge.kind });
    } catch (error) {
      if (signal.aborted) return;
      if (!isExpected(error)) throw error;
      if (isFinal(error)) done.add(verificationId);
      report({ event: 'challenge_failed', verificationId, detail: detailOf(error) });
    }
  }

  return {
    /** The challenges that the last answer names. */
    follow(verificationIds: readonly string[]): void {
      for (const id of [...known].filter((before) => !verificationIds.includes(before))) {
        known.delete(id);
        done.delete(id);
      }
      for (const id of verificationIds) {
        if (!known.has(id)) report({ event: 'challenged', verificationId: id });
        known.add(id);
        if (done.has(id) || running.has(id)) continue;
        running.set(
          id,
          answer(id).finally(() => running.delete(id)),
        );
      }
    },

    /** Resolves when no answer is being made any more. */
    settled: async (): Promise<void> => void (await Promise.all(running.values())),
  };
}

type Expected = ServiceError | HookError | DriverError | Unanswerable;

const isExpected = (error: unknown): error is Expected =>
  [ServiceError, HookError, DriverError, Unanswerable].some((kind) => error instanceof kind);

const isFinal = (error: Expected): boolean =>
  error instanceof Unanswerable || (error instanceof ServiceError && !error.retryable);

const detailOf = (error: Expected): string =>
  error instanceof HookError && error.output ? `${error.message}: ${error.output}` : error.message;

/** @throws {HookError} for anything but a JSON object. */
function parsed(stdout: string): object {
  const given = attempt(() => JSON.parse(stdout) as unknown);
  if (!isRecord(given)) throw new HookError('did not print a JSON object', stdout.slice(0, 200));
  return given;
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
