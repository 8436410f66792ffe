/** A process as an agent lists it. */
export interface Listed {
  pid: number;
  name: string | null;
  user: string | null;
  memoryUsedMb: number | null;
  /** RFC 3339 in UTC, to the microsecond; null where the agent does not know. */
  startedAt: string | null;
}

/** A process that was running when the GPU was last listed. */
export interface Running {
  id: string;
  pid: number;
  name: string | null;
  user: string | null;
  startedAt: Date;
}

export interface Difference<R extends Running> {
  started: Listed[];
  /** Those that go on, each with what is said of it now. */
  continued: { before: R; now: Listed }[];
  ended: R[];
}

/** Numbers of processes are used again: only with the same name and start it is the same one. */
const isSame = (before: Running, { name, startedAt }: Listed): boolean =>
  before.name === name && (startedAt === null || before.startedAt.getTime() === Date.parse(startedAt));

/** What a list says has changed. */
export function differenceOf<R extends Running>(
  running: readonly R[],
  listed: readonly Listed[],
): Difference<R> {
  const byPid = new Map(running.map((process) => [process.pid, process]));
  const difference: Difference<R> = { started: [], continued: [], ended: [] };
  const going = new Set<string>();
  for (const now of listed) {
    const before = byPid.get(now.pid);
    if (before && isSame(before, now)) {
      difference.continued.push({ before, now });
      going.add(before.id);
    } else difference.started.push(now);
  }
  difference.ended = running.filter(({ id }) => !going.has(id));
  return difference;
}
