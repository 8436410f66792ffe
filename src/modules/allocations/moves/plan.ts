/** What becomes of the GPUs of an allocation that is to have others. */
export interface MovePlan {
  coming: string[];
  going: string[];
}

export function planMove(has: readonly string[], wanted: readonly string[]): MovePlan {
  const [before, after] = [new Set(has), new Set(wanted)];
  return {
    coming: wanted.filter((id) => !before.has(id)),
    going: has.filter((id) => !after.has(id)),
  };
}
