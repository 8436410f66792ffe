import { invalid } from '../errors.ts';
import { type FilterAst, type FilterDefinition, type Predicate, type Target, targetOf } from './filters.ts';
import { readOperand, readText } from './values.ts';

const words = new Map<string, boolean>([
  ['true', true],
  ['false', false],
]);

/** The shape that the same value has in a body: lists as arrays, `exists` as a boolean. */
function shaped({ operator }: Target, text: string): unknown {
  if (operator === 'exists') return words.get(text);
  return operator === 'in' || operator === 'nin' ? text.split(',') : text;
}

function readParameter(definition: FilterDefinition, name: string, raw: unknown): Predicate {
  const target = definition.shorthands.get(name) ?? targetOf(definition.fields, name);
  if (target === undefined) throw invalid(name, 'is not a parameter of this collection');
  const value = shaped(target, String(raw));
  const operand = readOperand(target, value, readText, name);
  return { name, value, test: { field: target.field, operator: target.operator, operand } };
}

/**
 * Reads the filters of a query string: `field=value`, `field.<op>=value`, lists with commas. `reserved` names the
 * parameters that are no filters, such as `limit`; they too may be given once only. A value may be text or what a
 * schema has already coerced.
 *
 * @example parseFilterQuery(gpuFilters, { 'memoryTotalMb.gte': '24576', vendor: 'nvidia', limit: '10' }, ['limit'])
 * @throws 400 `request.invalid` naming the parameter that is unknown, repeated or bad.
 */
export function parseFilterQuery(
  definition: FilterDefinition,
  query: Record<string, unknown>,
  reserved: readonly string[] = [],
): FilterAst {
  const given = Object.entries(query);
  const repeated = given.find(([, raw]) => Array.isArray(raw));
  if (repeated) throw invalid(repeated[0], 'is given more than once');
  return given
    .filter(([name, raw]) => raw !== undefined && !reserved.includes(name))
    .map(([name, raw]) => readParameter(definition, name, raw));
}
