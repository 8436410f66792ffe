import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { exitCodes } from '../exit-codes.ts';
import { Failure } from '../failure.ts';

/** One machine of a trace; the model is the trace's own short name. */
export interface TraceNode {
  name: string;
  cpuCores: number;
  memoryTotalMb: number;
  gpus: number;
  model: string;
}

/** What was asked of the cluster: so many GPUs of one node, from one moment to another. */
export interface Task {
  name: string;
  gpus: number;
  /** Thousandths of each GPU. */
  share: number;
  /** Any of these will do; none: all will. */
  models: string[];
  /** Seconds of the trace. */
  createdAt: number;
  /** Null: it never ends. */
  deletedAt: number | null;
}

type Row = ReadonlyMap<string, string>;

/** Rows of a CSV file without quotes, gzipped or not; `needed` are the columns that it must have. */
async function readRows(file: string, needed: readonly string[]): Promise<Row[]> {
  const bytes = await readFile(file).catch((cause: Error) => {
    throw new Failure(`${file} cannot be read: ${cause.message}`, exitCodes.unreadable, cause);
  });
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  const [head = '', ...lines] = text.trim().split(/\r?\n/);
  const columns = head.split(',');
  const missing = needed.filter((column) => !columns.includes(column));
  if (missing.length > 0)
    throw new Failure(`${file} lacks the columns ${missing.join(', ')}.`, exitCodes.unreadable);
  return lines.map((line) => {
    const cells = line.split(',');
    return new Map(columns.map((column, at) => [column, cells[at] ?? '']));
  });
}

/** A whole number of a row; `absent` where the trace does not say. */
function whole<Absent>(row: Row, column: string, absent: Absent): number | Absent {
  const text = row.get(column) ?? '';
  if (text === '') return absent;
  if (!/^\d{1,15}$/.test(text))
    throw new Failure(`${column} is no whole number: ${[...row.values()].join()}`, exitCodes.unreadable);
  return Number(text);
}

/** The machines of a list of nodes in the format of OpenB, in the order of the file. */
export async function readNodes(file: string): Promise<TraceNode[]> {
  const rows = await readRows(file, ['sn', 'cpu_milli', 'memory_mib', 'gpu', 'model']);
  return rows.map((row) => ({
    name: row.get('sn') ?? '',
    cpuCores: whole(row, 'cpu_milli', 0) / 1000,
    memoryTotalMb: whole(row, 'memory_mib', 0),
    gpus: whole(row, 'gpu', 0),
    model: row.get('model') ?? '',
  }));
}

/**
 * The tasks of a list of pods in the format of OpenB, in the order of their creation, then of the file. Where there are
 * no times the file's order is that of arrival, and nothing ends.
 */
export async function readTasks(file: string): Promise<Task[]> {
  const rows = await readRows(file, ['name', 'num_gpu', 'gpu_milli']);
  const tasks = rows.map((row, at) => {
    const gpus = whole(row, 'num_gpu', 0);
    const models = row.get('gpu_spec') ?? '';
    return {
      name: row.get('name') ?? '',
      gpus,
      share: gpus === 1 ? Math.min(whole(row, 'gpu_milli', 1000), 1000) : 1000,
      models: models === '' ? [] : [...new Set(models.split('|'))],
      createdAt: whole(row, 'creation_time', at),
      deletedAt: whole(row, 'deletion_time', null),
    };
  });
  return tasks.toSorted((a, b) => a.createdAt - b.createdAt);
}
