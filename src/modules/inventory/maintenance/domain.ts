export const windowKinds = ['planned', 'emergency'] as const;
export type WindowKind = (typeof windowKinds)[number];

export const windowStates = ['scheduled', 'active', 'ended'] as const;

export interface Interval {
  startsAt: Date;
  endsAt: Date;
}

export interface WindowRules {
  noticeS: number;
  plannedMaxS: number;
  emergencyMaxS: number;
}

interface Window extends Interval {
  kind: WindowKind;
}

/** Whether a node may have both: an emergency, and after it what was planned before anybody knew of it. */
export function goTogether(one: Window, other: Window): boolean {
  const [first, second] = one.kind === 'emergency' ? [one, other] : [other, one];
  return first.kind === 'emergency' && second.kind === 'planned' && first.endsAt <= second.startsAt;
}

/** What is wrong with a window: the field, and the rest of the sentence that begins with its name. */
export interface WindowFault {
  field: 'startsAt' | 'endsAt';
  detail: string;
}

const secondsFrom = (from: Date, to: Date): number => (to.getTime() - from.getTime()) / 1000;

/**
 * Judges a window that is announced, or changed, at `now`. Nothing may begin in the past, and planned maintenance only
 * after its notice: else an outage could be renamed while it lasts. What has begun keeps its start.
 */
export function faultOf(
  kind: WindowKind,
  next: Interval,
  before: Interval | null,
  now: Date,
  rules: WindowRules,
): WindowFault | null {
  const { startsAt, endsAt } = next;
  const same = before !== null && endsAt.getTime() === before.endsAt.getTime();
  const begun = before !== null && before.startsAt <= now;
  const moved = before === null || startsAt.getTime() !== before.startsAt.getTime();
  if (same && !moved) return null;
  const earlier = before === null || startsAt < before.startsAt;
  const notice = kind === 'planned' && earlier ? rules.noticeS : 0;
  const maxS = kind === 'planned' ? rules.plannedMaxS : rules.emergencyMaxS;
  if (moved && begun) return { field: 'startsAt', detail: 'has passed, and stays as it is' };
  if (moved && secondsFrom(now, startsAt) < notice)
    return {
      field: 'startsAt',
      detail: notice === 0 ? 'must not lie in the past' : `must be at least ${notice} s ahead`,
    };
  if (endsAt <= startsAt) return { field: 'endsAt', detail: 'must be after startsAt' };
  if (endsAt <= now) return { field: 'endsAt', detail: 'must not lie in the past' };
  return secondsFrom(startsAt, endsAt) > maxS
    ? { field: 'endsAt', detail: `must be at most ${maxS} s after startsAt` }
    : null;
}
