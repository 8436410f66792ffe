import type { AgentOptions } from './agent-options.ts';
import { challengeFollower } from './challenges.ts';
import { drainFollower } from './drain.ts';
import type { AgentState } from './state-file.ts';
import type { Directive } from './wire.ts';

/**
 * Follows the directives of one answer after another; what takes its time goes on beside the heartbeats, until `signal`
 * aborts. `take_snapshot`: what the service took last is forgotten, so that the next round publishes whatever it sees.
 */
export function directiveFollower(options: AgentOptions, state: AgentState, signal: AbortSignal) {
  const drain = drainFollower(options, state, signal);
  const challenges = challengeFollower(options, state, signal);
  return {
    follow(directives: readonly Directive[]): void {
      if (directives.some(({ type }) => type === 'take_snapshot')) {
        state.inventoryDigest = null;
        options.report({ event: 'snapshot_asked' });
      }
      drain.follow(directives.find(({ type }) => type === 'drain'));
      challenges.follow(
        directives.flatMap(({ type, verificationId }) =>
          type === 'answer_challenge' ? (verificationId ?? []) : [],
        ),
      );
    },

    /** Resolves when nothing that it began goes on any more. */
    settled: async (): Promise<void> => void (await Promise.all([drain.settled(), challenges.settled()])),
  };
}
