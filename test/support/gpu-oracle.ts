import fc from 'fast-check';
import { type Comparable, holds, order, versionParts } from './filter-rows.ts';
import type { KnownGpu } from './gpu-fleet.ts';

export type Value = string | number | boolean;

interface Kind {
  operators: readonly string[];
  /** What a value counts as when it is compared; null is not comparable. */
  reading(value: Value): Comparable | null;
}

const equality = ['eq', 'ne', 'in', 'nin', 'exists'];
const ordered = [...equality, 'gt', 'gte', 'lt', 'lte'];
const exact: Kind = { operators: equality, reading: (value) => value };
const folded: Kind = { operators: equality, reading: (value) => String(value).toLowerCase() };
const yesNo: Kind = { operators: ['eq', 'ne', 'exists'], reading: (value) => value };
const number: Kind = { operators: ordered, reading: (value) => Number(value) };
const version: Kind = { operators: ordered, reading: (value) => versionParts(String(value)) };

const kindOf = (kind: Kind, ...names: string[]): [string, Kind][] => names.map((name) => [name, kind]);

const fields = new Map([
  ...kindOf(exact, 'vendor', 'modelId', 'region', 'lifecycle', 'presence', 'health', 'allocationState'),
  ...kindOf(exact, 'providerId', 'nodeId', 'serial', 'pciDeviceId'),
  ...kindOf(folded, 'name', 'hostname', 'architecture', 'uuid'),
  ...kindOf(yesNo, 'supportsCuda', 'supportsEcc', 'supportsFp8', 'isAllocated', 'schedulable'),
  ...kindOf(number, 'memoryTotalMb', 'cudaCores', 'powerLimitW', 'memoryBandwidthGbps', 'pcieWidth', 'index'),
  ...kindOf(number, 'memoryFreeMb', 'memoryUsedMb', 'utilization', 'temperatureC', 'eccUncorrected'),
  ...kindOf(number, 'reputation', 'verificationLevel', 'pricePerHourNanoUsd'),
  ...kindOf(version, 'driverVersion', 'cudaVersion', 'computeCapability'),
]);

export interface Condition {
  field: string;
  operator: string;
  operand: Value | Value[];
}

const kind = (field: string): Kind => fields.get(field) as Kind;
const read = (gpu: KnownGpu, field: string): Value | null => (gpu[field] as Value | undefined) ?? null;

/** Says by plain reading whether a GPU passes: what is missing passes `exists: false` alone. */
export function passes(gpu: KnownGpu, { field, operator, operand }: Condition): boolean {
  const { reading } = kind(field);
  const raw = read(gpu, field);
  const value = raw === null ? null : reading(raw);
  if (operator === 'exists') return (value !== null) === operand;
  if (value === null) return false;
  const orders = [operand].flat().map((given) => order(value, reading(given) ?? []));
  return holds[operator as keyof typeof holds](orders);
}

/** One comparison with values that occur in the fleet. */
export const conditionOn = (fleet: readonly KnownGpu[]): fc.Arbitrary<Condition> =>
  fc.constantFrom(...fields.keys()).chain((field) => {
    const { operators, reading } = kind(field);
    const values = fleet
      .map((gpu) => read(gpu, field))
      .filter((value) => value !== null && reading(value) !== null) as Value[];
    const value = values.length > 0 ? fc.constantFrom(...new Set(values)) : fc.constant<Value>(true);
    return fc.constantFrom(...operators).chain((operator): fc.Arbitrary<Condition> => {
      if (operator === 'exists') return fc.boolean().map((operand) => ({ field, operator, operand }));
      const list = operator === 'in' || operator === 'nin';
      const operand: fc.Arbitrary<Value | Value[]> = list
        ? fc.array(value, { minLength: 1, maxLength: 3 })
        : value;
      return operand.map((given) => ({ field, operator, operand: given }));
    });
  });

/** The conditions as parameters of the query string. */
export const queryOf = (conditions: readonly Condition[]): Record<string, string> =>
  Object.fromEntries(
    conditions.map(({ field, operator, operand }) => [
      operator === 'eq' ? field : `${field}.${operator}`,
      String(operand),
    ]),
  );
