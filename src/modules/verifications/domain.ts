/** Until when each level from 1 to 4 holds; null where it was never granted, or was lost. */
export type LevelsUntil = readonly (Date | null)[];

export const noLevels: LevelsUntil = [null, null, null, null];

/** The level that holds at a moment: the highest whose time has not passed. */
export const levelAt = (levels: LevelsUntil, moment: Date): number =>
  levels.findLastIndex((until) => until !== null && until > moment) + 1;

/** Grants a level with all below it. A validity that is running already is never shortened. */
export const grant = (levels: LevelsUntil, level: number, validUntil: Date): LevelsUntil =>
  levels.map((until, index) =>
    index < level && (until === null || until < validUntil) ? validUntil : until,
  );

interface Request {
  /** What the verdict asks for; null asks for the most that its kind can reach. */
  asked: number | null;
  /** The most that a verification of this kind can reach. */
  ceiling: number;
  /** What holds now. */
  current: number;
  /** Something about the GPU contradicts something else, and nobody has resolved it yet. */
  disputed: boolean;
}

/** The level that a valid verdict grants. A dispute keeps a GPU from rising; what it has may be renewed. */
export const levelGranted = ({ asked, ceiling, current, disputed }: Request): number =>
  Math.min(asked ?? ceiling, ceiling, disputed ? current : ceiling);
