import { invalid } from '../../../kernel/errors.ts';
import type { Interruption } from '../life/domain.ts';
import type { Claim } from './claim.ts';

/** What holds for allocations that say nothing of it. */
export interface InterruptionDefaults {
  policy: Interruption;
  graceS: number;
}

interface Asked {
  onInterruption?: Interruption | undefined;
  graceS?: number | undefined;
}

/**
 * What is asked for, else what the settings say.
 *
 * @throws 400 where there is a grace, and no policy that has one.
 */
export function interruptionOf(
  { onInterruption, graceS }: Asked,
  defaults: InterruptionDefaults,
): Pick<Claim, 'onInterruption' | 'graceS'> {
  const policy = onInterruption ?? defaults.policy;
  if (policy === 'grace') return { onInterruption: policy, graceS: graceS ?? defaults.graceS };
  if (graceS !== undefined) throw invalid('/graceS', 'goes with `onInterruption: grace`');
  return { onInterruption: policy, graceS: null };
}
