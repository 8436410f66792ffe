import type { AgentOptions } from './agent-options.ts';
import type { AgentState } from './state-file.ts';
import type { Directive } from './wire.ts';

/**
 * Follows the directives of one answer after another. `take_snapshot`: what the service took last is forgotten, so that
 * the next round publishes whatever it sees. `drain`: told when it begins and when it ends, for whoever moves the work
 * away. `answer_challenge`: told once each, since an answer needs a verifier's tools.
 */
export function directiveFollower({ report }: Pick<AgentOptions, 'report'>, state: AgentState) {
  let draining = false;
  let challenges = new Set<string>();
  return (directives: readonly Directive[]): void => {
    if (directives.some(({ type }) => type === 'take_snapshot')) {
      state.inventoryDigest = null;
      report({ event: 'snapshot_asked' });
    }
    const drain = directives.find(({ type }) => type === 'drain');
    if (drain && !draining) report({ event: 'drain_began', deadlineAt: drain.deadlineAt });
    if (!drain && draining) report({ event: 'drain_ended' });
    draining = drain !== undefined;
    const open = directives.flatMap((directive) =>
      directive.type === 'answer_challenge' ? (directive.verificationId ?? []) : [],
    );
    for (const verificationId of open.filter((id) => !challenges.has(id)))
      report({ event: 'challenged', verificationId });
    challenges = new Set(open);
  };
}
