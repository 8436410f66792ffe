import type { Sample } from './domain.ts';

/** Samples as arrays of one statement. */
interface Columns {
  /** Of each series (a GPU, metric and unit), in the order of its key. */
  gpuIds: string[];
  metrics: string[];
  units: string[];
  /** Its earliest moment. */
  firstAts: string[];
  /** Ascending, each once. */
  moments: string[];
  /** Of each sample, as array literals: the places of its series and moment, from 1, and its value. */
  series: string;
  ats: string;
  values: string;
}

/**
 * Samples in the order of their keys, and of those of one series and moment the first alone: PostgreSQL neither sorts them
 * nor reads a text, which is slow, more often than there are different ones.
 */
export function columnsOf(samples: readonly Sample[]): Columns {
  const [series, moments] = [seriesOf(samples), momentsOf(samples)];
  const taken = inOrder(series.places, moments.places);
  const places = taken.map((index) => series.places[index] as number);
  const firsts = taken
    .filter((_, at) => places[at] !== places[at - 1])
    .map((index) => samples[index] as Sample);
  return {
    gpuIds: firsts.map(({ gpuId }) => gpuId),
    metrics: firsts.map(({ metric }) => metric),
    units: firsts.map(({ unit }) => unit),
    firstAts: firsts.map(({ at }) => at),
    moments: moments.values,
    series: plainArray(places),
    ats: plainArray(taken.map((index) => moments.places[index] as number)),
    values: plainArray(taken.map((index) => (samples[index] as Sample).value)),
  };
}

/** Different values in their order, and of each sample the place of its own, from 1. */
interface Ranks<Value> {
  values: Value[];
  places: number[];
}

/** By maps within maps: one key made of three texts would cost three times as much. */
function seriesOf(samples: readonly Sample[]): Ranks<Sample> {
  const found: Sample[] = [];
  const known = new Map<string, Map<string, Map<string, number>>>();
  const numbers = samples.map((sample) => {
    const ofGpu = within(known, sample.gpuId, () => new Map<string, Map<string, number>>());
    const ofMetric = within(ofGpu, sample.metric, () => new Map<string, number>());
    return within(ofMetric, sample.unit, () => found.push(sample) - 1);
  });
  return ranked(found, numbers, (a, b) => byText(a.gpuId, b.gpuId) || byText(a.metric, b.metric));
}

function momentsOf(samples: readonly Sample[]): Ranks<string> {
  const known = new Map<string, number>();
  const numbers = samples.map(({ at }) => within(known, at, () => known.size));
  return ranked([...known.keys()], numbers, byText);
}

function within<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}

const byText = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

/** `numbers` are indices of `values`, one for each sample. */
function ranked<Value>(
  values: readonly Value[],
  numbers: readonly number[],
  compare: (a: Value, b: Value) => number,
): Ranks<Value> {
  const ofNumber = (number: number) => values[number] as Value;
  const order = [...values.keys()].sort((a, b) => compare(ofNumber(a), ofNumber(b)));
  const places: number[] = Array(order.length);
  for (const [index, number] of order.entries()) places[number] = index + 1;
  return { values: order.map(ofNumber), places: numbers.map((number) => places[number] as number) };
}

/** Indices of samples in the order of series and moment, of equal ones the first alone; as numbers, which sort fastest. */
function inOrder(series: readonly number[], moments: readonly number[]): number[] {
  const { length } = series;
  const keys = new Float64Array(length);
  series.forEach((place, index) => {
    keys[index] = (place * (length + 1) + (moments[index] as number)) * length + index;
  });
  const indices: number[] = [];
  let last = -1;
  for (const key of keys.sort()) {
    const pair = Math.floor(key / length);
    if (pair !== last) indices.push(key - pair * length);
    last = pair;
  }
  return indices;
}

/** Numbers have nothing to quote, which `pg` would look for in each of them. */
const plainArray = (values: readonly number[]): string => `{${values.join(',')}}`;
