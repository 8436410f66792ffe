import { Type } from 'typebox';
import { maxConditions } from './body.ts';
import type { Comparison, Field, Operator, Scalar, ValueSchema } from './field.ts';
import { type FilterDefinition, isFieldMap } from './filters.ts';
import { maxListLength } from './values.ts';

type JsonSchema = Record<string, unknown>;
type Entries = [name: string, schema: JsonSchema][];

const meanings: Record<Comparison, string> = {
  eq: 'Equal to this.',
  ne: 'Known, and not this.',
  gt: 'More than this.',
  gte: 'At least this.',
  lt: 'Less than this.',
  lte: 'At most this.',
  in: 'One of these.',
  nin: 'Known, and none of these.',
  exists: 'Whether it is known.',
};

const isList = (operator: Comparison): boolean => operator === 'in' || operator === 'nin';

const describe = (subject: string | undefined, meaning: string): string =>
  subject === undefined ? meaning : `${subject} ${meaning}`;

/** In the query string a list is one text with commas. */
function queryOperand(operator: Comparison, value: ValueSchema, subject: string | undefined): JsonSchema {
  const description = describe(subject, meanings[operator]);
  if (operator === 'exists') return { type: 'boolean', description };
  if (!isList(operator)) return { ...value, description };
  return { type: 'string', maxLength: 8192, description: `${description} Separated by commas.` };
}

function parameters({ fields, shorthands }: FilterDefinition): Entries {
  const single = [...fields].flatMap(([name, entry]) => (isFieldMap(entry) ? [] : [{ name, ...entry }]));
  return [
    ...[...shorthands].map(([name, { field, operator, kind }]): Entries[number] => [
      name,
      queryOperand(operator, kind.schema, `Short for \`${field}.${operator}\`.`),
    ]),
    ...single.map(({ name, schema, description }): Entries[number] => [
      name,
      queryOperand('eq', schema, description),
    ]),
    ...single.flatMap(({ name, operators, schema, description }) =>
      operators.map((operator): Entries[number] => [
        `${name}.${operator}`,
        queryOperand(operator, schema, description),
      ]),
    ),
  ];
}

const optional = (schema: JsonSchema) => Type.Optional(Type.Unsafe<Scalar>(schema));

/**
 * The filters of a collection as parameters of the query string, the names of everyday use first. The object stays
 * open, since a family such as `labels.<key>` cannot be listed; `parseFilterQuery` refuses by name what is unknown.
 *
 * @example querystring: Type.Object({ ...filterQuerySchema(gpuFilters).properties, limit: … })
 */
export const filterQuerySchema = (definition: FilterDefinition) =>
  Type.Object(Object.fromEntries(parameters(definition).map(([name, schema]) => [name, optional(schema)])));

/** In a body a list is an array. */
function bodyOperand(operator: Comparison, value: ValueSchema): JsonSchema {
  if (operator === 'exists') return { type: 'boolean', description: meanings.exists };
  if (!isList(operator)) return { ...value, description: meanings[operator] };
  return {
    type: 'array',
    items: value,
    minItems: 1,
    maxItems: maxListLength,
    description: meanings[operator],
  };
}

const closed = (properties: Entries): JsonSchema => ({
  type: 'object',
  properties: Object.fromEntries(properties),
  additionalProperties: false,
});

function bodyField({ schema, operators, description }: Pick<Field, 'schema' | 'operators' | 'description'>) {
  const comparisons = {
    ...closed(operators.map((operator: Operator) => [operator, bodyOperand(operator, schema)])),
    minProperties: 1,
  };
  const value = { ...schema, ...(description !== undefined && { description }) };
  return operators.length === 0 ? value : { anyOf: [value, comparisons] };
}

function bodyEntries({ fields, shorthands }: FilterDefinition): Entries {
  return [
    ...[...shorthands].map(([name, { field, operator, kind }]): Entries[number] => [
      name,
      { ...bodyOperand(operator, kind.schema), description: `Short for \`${field}.${operator}\`.` },
    ]),
    ...[...fields].map(([name, entry]): Entries[number] => [
      name,
      isFieldMap(entry)
        ? {
            ...closed([]),
            patternProperties: { [entry.keyPattern]: bodyField(entry) },
            minProperties: 1,
            maxProperties: maxConditions,
          }
        : bodyField(entry),
    ]),
  ];
}

/**
 * The JSON form of the same filters, a closed object that refers to itself by `$id` inside `all`, `any` and `not`.
 *
 * @example app.addSchema(filterBodySchema(gpuFilters, 'GpuFilter')); body: Type.Object({ filter: ref(GpuFilter) })
 */
export function filterBodySchema<const Id extends string>(definition: FilterDefinition, $id: Id) {
  const self = { $ref: `${$id}#` };
  const nested = { type: 'array', items: self, minItems: 1, maxItems: maxConditions };
  const schema = closed([
    ...bodyEntries(definition),
    ['all', { ...nested, description: 'All of these filters.' }],
    ['any', { ...nested, description: 'At least one of these filters.' }],
    ['not', { ...self, description: 'Everything that this filter is not true of.' }],
  ]);
  return { ...Type.Unsafe<Record<string, unknown>>({ $id, ...schema }), $id };
}
