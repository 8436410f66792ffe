import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { exitCodes } from '../exit-codes.ts';
import { Failure } from '../failure.ts';

/** What a moment of a simulation is like; shares are 0–1. */
export interface Moment {
  /** Nodes that send heartbeats. */
  alive: number;
  /** GPUs that are busy. */
  busy: number;
}

/** By the elapsed share of the simulation, 0–1. */
export type Timeline = (elapsed: number) => Moment;

/** All nodes report; for the middle third `killed` of them fall silent, and come back. */
export const outage =
  (killed: number): Timeline =>
  (elapsed) => ({ alive: elapsed >= 1 / 3 && elapsed < 2 / 3 ? 1 - killed : 1, busy: 0.8 });

/** Columns of the traces that can drive a fleet, minute by minute. */
const readers: readonly { column: string; read: (row: Readonly<Record<string, string>>) => Moment }[] = [
  // Microsoft Philly (USENIX ATC 2019), philly_node_sequence: nodes that were up, of all.
  { column: 'active', read: ({ active, total }) => ({ alive: Number(active) / Number(total), busy: 0.8 }) },
  // SenseTime Helios (SC 2021), <virtual cluster>-minutely: the share of GPUs in use.
  { column: 'gpu_utilization', read: (row) => ({ alive: 1, busy: Number(row.gpu_utilization) }) },
];

/**
 * The first `minutes` of a trace, one row a minute, stretched or squeezed over the whole simulation.
 *
 * @throws Failure `unreadable` where the file is none of the known traces.
 */
export async function readTimeline(file: string, minutes: number): Promise<Timeline> {
  const [head = '', ...lines] = (await textOf(file)).trim().split(/\r?\n/);
  const columns = head.split(',');
  const reader = readers.find(({ column }) => columns.includes(column));
  const moments = lines.slice(0, minutes).map((line) => {
    const cells = line.split(',');
    return reader?.read(Object.fromEntries(columns.map((column, index) => [column, cells[index] ?? ''])));
  });
  const usable = moments.filter(
    (moment): moment is Moment => isShare(moment?.alive) && isShare(moment?.busy),
  );
  if (usable.length === 0 || usable.length < moments.length)
    throw new Failure(`${file} is no trace of nodes or GPUs by the minute.`, exitCodes.unreadable);
  return (elapsed) => usable[Math.min(Math.floor(elapsed * usable.length), usable.length - 1)] as Moment;
}

const isShare = (value: number | undefined): boolean => value !== undefined && value >= 0 && value <= 1;

async function textOf(file: string): Promise<string> {
  try {
    const bytes = await readFile(file);
    return (file.endsWith('.gz') ? await promisify(gunzip)(bytes) : bytes).toString();
  } catch (cause) {
    throw new Failure(`${file} cannot be read: ${(cause as Error).message}`, exitCodes.unreadable, cause);
  }
}
