import { shown, table } from '../table.ts';
import type { TableFacts } from './database-facts.ts';

/** What was seen at one moment of a simulation. */
export interface Reading {
  /** Seconds since its begin. */
  atS: number;
  /** Heartbeats answered until then. */
  answered: number;
  /** Resident memory of the service, in MiB. */
  memoryMb: number | undefined;
  /** None where the database is not ours to ask. */
  tables: readonly TableFacts[];
}

/** What happened between two readings, and what stood at the end. */
export interface Step {
  atS: number;
  perSecond: number;
  p99Ms: number;
  memoryMb: number | undefined;
  tables: TableStep[];
}

interface TableStep {
  name: string;
  rows: number;
  dead: number;
  sizeMb: number;
  /** Of the updates in between, in percent; null where there were none. */
  hotShare: number | null;
}

const rounded = (value: number, digits = 1): number => Number(value.toFixed(digits));

/** The value below which `part` (0–1) of the values lie. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return rounded(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0);
}

/** The steps between readings; `latenciesMs` are those of all answers, in their order. */
export const stepsOf = (readings: readonly Reading[], latenciesMs: readonly number[]): Step[] =>
  readings.slice(1).map((reading, index) => {
    const before = readings[index] as Reading;
    return {
      atS: rounded(reading.atS),
      perSecond: rounded((reading.answered - before.answered) / (reading.atS - before.atS)),
      p99Ms: percentile(latenciesMs.slice(before.answered, reading.answered), 0.99),
      memoryMb: reading.memoryMb,
      tables: reading.tables.map((facts) => tableStep(facts, before.tables)),
    };
  });

function tableStep(facts: TableFacts, before: readonly TableFacts[]): TableStep {
  const { name, rows, dead, sizeMb, updates, hotUpdates } = facts;
  const then = before.find((other) => other.name === name);
  const made = updates - (then?.updates ?? 0);
  const hot = hotUpdates - (then?.hotUpdates ?? 0);
  return { name, rows, dead, sizeMb, hotShare: made > 0 ? rounded((100 * hot) / made, 2) : null };
}

/** A line for each step, with three columns for each table. */
export function shownSteps(steps: readonly Step[]): string[] {
  const names = steps[0]?.tables.map(({ name }) => name.toUpperCase()) ?? [];
  const titles = names.flatMap((name) => [`${name} MIB`, 'DEAD', 'HOT %']);
  return table(
    ['AT S', 'A SECOND', 'P99 MS', 'MEMORY MIB', ...titles],
    steps.map(({ atS, perSecond, p99Ms, memoryMb, tables }) => [
      ...[atS, perSecond, p99Ms, memoryMb].map(shown),
      ...tables.flatMap(({ sizeMb, dead, hotShare }) => [sizeMb, dead, hotShare].map(shown)),
    ]),
  );
}
