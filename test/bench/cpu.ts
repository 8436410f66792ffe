import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Linux counts in ticks of 10 ms (proc(5), USER_HZ). */
const tickMs = 10;

interface Times {
  parent: number;
  own: number;
  /** Of children that have ended. */
  ended: number;
}

function timesOf(pid: number | string): Times | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const ticks = (first: number) => ((fields[first] ?? 0) + (fields[first + 1] ?? 0)) * tickMs;
    return { parent: fields[1] ?? 0, own: ticks(11), ended: ticks(13) };
  } catch {
    return null;
  }
}

/** CPU time of a process so far, in milliseconds; what it costs is less a matter of what else runs than what it lasts. */
export const cpuMsOf = (pid: number | undefined): number => timesOf(pid ?? 0)?.own ?? Number.NaN;

/** CPU time of a PostgreSQL server with all its processes, those included that have ended. */
export function cpuMsOfPostgres(folder: string): number {
  const main = Number.parseInt(readFileSync(join(folder, 'postmaster.pid'), 'utf8'), 10);
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(timesOf)
    .filter((times) => times?.parent === main);
  const own = timesOf(main);
  return children.reduce((sum, times) => sum + (times?.own ?? 0), (own?.own ?? 0) + (own?.ended ?? 0));
}
