/** An allocation's life: it starts `held` or `active` and ends in one of the last three. */
export const states = ['held', 'active', 'releasing', 'released', 'expired', 'interrupted'] as const;
export type State = (typeof states)[number];

export type Action =
  | 'confirm'
  | 'extendHold'
  | 'extendDuration'
  | 'release'
  | 'expire'
  | 'interrupt'
  | 'impair'
  | 'recover'
  | 'move';

interface Transition {
  /** The states that the action takes the allocation out of. */
  from: readonly State[];
  /** Where it then is; null where it stays. */
  to: State | null;
  /** States in which the action has been done already: asking again changes nothing and succeeds. */
  done: readonly State[];
}

/**
 * The state machine, whole: any (state, action) that is neither `from` nor `done` is refused. The same table for people is
 * docs/allocations.md.
 */
export const transitions: Readonly<Record<Action, Transition>> = {
  confirm: { from: ['held'], to: 'active', done: ['active'] },
  extendHold: { from: ['held'], to: null, done: [] },
  extendDuration: { from: ['active'], to: null, done: [] },
  release: { from: ['held', 'active'], to: 'released', done: ['released'] },
  expire: { from: ['held', 'active'], to: 'expired', done: ['expired'] },
  interrupt: { from: ['held', 'active'], to: 'interrupted', done: ['interrupted'] },
  impair: { from: ['held', 'active'], to: null, done: [] },
  recover: { from: ['held', 'active'], to: null, done: [] },
  move: { from: ['held', 'active'], to: null, done: [] },
};

export type Ruling = 'apply' | 'done' | 'refuse';

/** What an action does to an allocation in a state. */
export function ruling(state: State, action: Action): Ruling {
  const { from, done } = transitions[action];
  if (from.includes(state)) return 'apply';
  return done.includes(state) ? 'done' : 'refuse';
}

/**
 * What becomes of an allocation whose node goes offline or whose GPU is lost: it is interrupted at once, or unless it comes
 * back within the grace, or it stays until its tenant lets go.
 */
export const interruptions = ['release', 'grace', 'keep'] as const;
export type Interruption = (typeof interruptions)[number];

/** Thousandths of a GPU; all of them are a whole one, which nobody shares. */
export const wholeGpu = 1000;
