import type { InventoryClient } from './client.ts';
import type { Driver } from './driver.ts';
import type { Hook } from './hook.ts';
import type { Host } from './host.ts';
import type { StateStore } from './state-file.ts';

export interface AgentOptions {
  url: string;
  hostname: string;
  /** How the agent becomes somebody, unless its state already says so; a given key wins over the state. */
  credential: { token: string } | { apiKey: string } | null;
  client: InventoryClient;
  driver: Driver;
  host: Host;
  store: StateStore;
  /** Run when the service asks the node to drain, and when it no longer does. */
  drainHook?: Hook | null;
  /** Makes the evidence that a challenge asks for; without it only the kind `spec` is answered. */
  challengeHook?: Hook | null;
  /** Milliseconds between two reports of what the GPUs do; a minute unless told, 0: never. */
  usageEveryMs?: number;
  /** One cycle, then return; the first failure is thrown instead of waited out. */
  once?: boolean;
  signal: AbortSignal;
  /** Epoch milliseconds. */
  clock: () => number;
  /** Rejects when `signal` aborts. */
  sleep: (ms: number, signal: AbortSignal) => Promise<unknown>;
  /** In [0, 1). */
  random: () => number;
  report: (event: AgentEvent) => void;
}

/** What an agent tells about itself, for a log. */
export type AgentEvent =
  | { event: 'enrolled'; nodeId: string }
  | { event: 'inventory_published'; generation: number; gpus: number }
  | { event: 'inventory_refused'; code: string; detail: string }
  | {
      event: 'heartbeat';
      sequence: number;
      accepted: boolean;
      ignoredReason: string | null;
      nextHeartbeatInMs: number;
    }
  | { event: 'processes_published'; gpus: number }
  | { event: 'processes_refused'; code: string; detail: string }
  | { event: 'usage_published'; samples: number; rejected: number }
  | { event: 'usage_refused'; code: string; detail: string }
  | { event: 'snapshot_asked' }
  | { event: 'drain_began'; deadlineAt: string | null }
  | { event: 'drain_ended'; deadlineAt: string | null }
  | { event: 'hook_ended'; hook: string; output: string }
  | { event: 'hook_failed'; hook: string; detail: string; output: string }
  | { event: 'challenged'; verificationId: string }
  | { event: 'challenge_answered'; verificationId: string; kind: string }
  | { event: 'challenge_failed'; verificationId: string; detail: string }
  | { event: 'driver_failed'; detail: string }
  | { event: 'state_not_saved'; detail: string }
  | { event: 'retrying'; inMs: number; code: string; detail: string };
