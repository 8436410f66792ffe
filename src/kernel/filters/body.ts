import { invalid } from '../errors.ts';
import { toPointer } from '../http/pointer.ts';
import { type Field, type FieldMap, isOperator } from './field.ts';
import {
  type Condition,
  type FilterAst,
  type FilterDefinition,
  type FilterTest,
  isFieldMap,
  type Target,
} from './filters.ts';
import { readJson, readOperand } from './values.ts';

export const maxDepth = 8;
export const maxConditions = 64;

/** State of one parse: where we are, and how many conditions may still come. */
interface Place {
  definition: FilterDefinition;
  budget: { conditions: number };
  pointer: string;
  depth: number;
}

const inside = (place: Place, key: string | number): Place => ({
  ...place,
  pointer: place.pointer + toPointer([key]),
});

const isObject = (json: unknown): json is Record<string, unknown> =>
  typeof json === 'object' && json !== null && !Array.isArray(json);

function members(json: unknown, place: Place): [string, unknown][] {
  if (!isObject(json)) throw invalid(place.pointer, 'must be an object');
  const entries = Object.entries(json);
  if (entries.length === 0) throw invalid(place.pointer, 'must not be empty');
  return entries;
}

const every = (tests: FilterTest[]): FilterTest => {
  const [first, second] = tests;
  return first !== undefined && second === undefined ? first : { all: tests };
};

function readCondition(target: Target, json: unknown, place: Place): Condition {
  place.budget.conditions -= 1;
  if (place.budget.conditions < 0) {
    throw invalid(place.pointer, `is the condition too many: a filter has at most ${maxConditions}`);
  }
  const operand = readOperand(target, json, readJson, place.pointer);
  return { field: target.field, operator: target.operator, operand };
}

const unknown = (place: Place) => invalid(place.pointer, 'is not a filter of this collection');

/** A plain value means equality; `{"gte": 1, "lt": 9}` holds each operator once, and all must be true. */
function readComparisons(field: string, kind: Field, json: unknown, place: Place): FilterTest {
  if (!isObject(json)) return readCondition({ field, operator: 'eq', kind }, json, place);
  const tests = members(json, place).map(([operator, value]) => {
    const at = inside(place, operator);
    if (!isOperator(operator) || !kind.operators.includes(operator)) throw unknown(at);
    return readCondition({ field, operator, kind }, value, at);
  });
  return every(tests);
}

function readFamily(name: string, family: FieldMap, json: unknown, place: Place): FilterTest {
  const tests = members(json, place).map(([key, value]) => {
    const at = inside(place, key);
    const kind = family.entry(key);
    if (kind === undefined) throw unknown(at);
    return readComparisons(`${name}.${key}`, kind, value, at);
  });
  return every(tests);
}

function readField(name: string, json: unknown, place: Place): FilterTest {
  const { fields, shorthands } = place.definition;
  const shorthand = shorthands.get(name);
  if (shorthand) return readCondition(shorthand, json, place);
  const entry = fields.get(name);
  if (entry === undefined) throw unknown(place);
  return isFieldMap(entry) ? readFamily(name, entry, json, place) : readComparisons(name, entry, json, place);
}

function readAlternatives(json: unknown, place: Place): FilterTest[] {
  if (!Array.isArray(json) || json.length === 0) throw invalid(place.pointer, 'must be a list of filters');
  return json.map((item, index) => readNested(item, inside(place, index)));
}

function readNested(json: unknown, place: Place): FilterTest {
  if (place.depth === maxDepth) throw invalid(place.pointer, `is nested deeper than ${maxDepth} levels`);
  const deeper = { ...place, depth: place.depth + 1 };
  return every(members(json, deeper).map(([key, value]) => readMember(key, value, inside(deeper, key))));
}

function readMember(key: string, json: unknown, place: Place): FilterTest {
  switch (key) {
    case 'all':
      return { all: readAlternatives(json, place) };
    case 'any':
      return { any: readAlternatives(json, place) };
    case 'not':
      return { not: readNested(json, place) };
    default:
      return readField(key, json, place);
  }
}

/**
 * Reads the JSON form of a filter. Keys are fields (a plain value means equality, an object holds operators),
 * shorthands, or `all`, `any` (lists of filters) and `not` (a filter). `not` holds for everything that its filter is
 * not true of, so GPUs whose value is missing are among them; `ne` and `nin` want a value. `pointer` says where the
 * filter stands in its body.
 *
 * @example parseFilterBody(gpuFilters, { memoryTotalMb: { gte: 24576 }, not: { region: 'eu-1' } }, '/filter')
 * @throws 400 `request.invalid` naming the member; so do more than 8 levels or 64 conditions.
 */
export function parseFilterBody(definition: FilterDefinition, json: unknown, pointer = '/filter'): FilterAst {
  const place: Place = { definition, budget: { conditions: maxConditions }, pointer, depth: 1 };
  if (!isObject(json)) throw invalid(pointer, 'must be an object');
  return Object.entries(json).map(([name, value]) => ({
    name,
    value,
    test: readMember(name, value, inside(place, name)),
  }));
}
