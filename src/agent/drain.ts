import type { AgentOptions } from './agent-options.ts';
import { HookError, runHook, tail } from './hook.ts';
import type { AgentState, Drain } from './state-file.ts';

/** One answer without the order may come from a replica of the service that has not heard of it yet. */
const SILENT_ANSWERS = 2;

type Event = 'drain_began' | 'drain_ended';

/**
 * Follows the order to drain: the drain is kept in the state, told, and handed to the operator's command, once when it
 * begins (again when its deadline moves) and once when it ends. A command that is cut off by the end of the agent runs
 * anew when the agent is back; one that fails is told and not repeated.
 */
export function drainFollower(options: AgentOptions, state: AgentState, signal: AbortSignal) {
  const { report, drainHook } = options;
  let wanted: Pick<Drain, 'deadlineAt'> | null = state.drain;
  let silentAnswers = 0;
  let settling: Promise<void> | null = null;

  async function run(event: Event, deadlineAt: string | null): Promise<void> {
    report({ event, deadlineAt });
    if (!drainHook) return;
    const env = {
      INVENTORY_EVENT: event,
      INVENTORY_NODE_ID: state.nodeId,
      INVENTORY_DEADLINE_AT: deadlineAt ?? '',
    };
    try {
      report({ event: 'hook_ended', hook: event, output: tail(await runHook(drainHook, { env, signal })) });
    } catch (error) {
      if (!(error instanceof HookError)) throw error;
      report({ event: 'hook_failed', hook: event, detail: error.message, output: error.output });
    }
  }

  /** Until what we have done is what is wanted, which may change meanwhile. */
  async function settle(): Promise<void> {
    while (!signal.aborted) {
      const { drain } = state;
      if (wanted && !(drain?.isTold && drain.deadlineAt === wanted.deadlineAt)) {
        const { deadlineAt } = wanted;
        state.drain = { deadlineAt, isTold: false };
        await run('drain_began', deadlineAt);
        if (!signal.aborted) state.drain = { deadlineAt, isTold: true };
      } else if (!wanted && drain) {
        await run('drain_ended', drain.deadlineAt);
        if (!signal.aborted) state.drain = null;
      } else return;
    }
  }

  return {
    /** The order as the last answer has it, or its absence. */
    follow(order: Pick<Drain, 'deadlineAt'> | undefined): void {
      silentAnswers = order ? 0 : silentAnswers + 1;
      if (order) wanted = { deadlineAt: order.deadlineAt };
      else if (silentAnswers >= SILENT_ANSWERS) wanted = null;
      settling ??= settle().finally(() => {
        settling = null;
      });
    },

    /** Resolves when no command runs any more. */
    settled: async (): Promise<void> => void (await settling),
  };
}
