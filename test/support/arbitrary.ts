import fc from 'fast-check';
import { oddTexts } from './hostile-values.ts';
import { type Document, followed, type JsonSchema } from './openapi.ts';

/** Long enough to be odd, short enough to be many. */
const textLength = 24;
const listLength = 3;

const isStorable = (text: string): boolean => !/\p{Cs}|\0/u.test(text);

function texts({
  enum: words,
  format,
  pattern,
  minLength = 0,
  maxLength = textLength,
  examples = [],
}: JsonSchema): fc.Arbitrary<unknown> {
  if (words) return fc.constantFrom(...words.filter((word) => word !== null));
  if (format === 'uuid') return fc.uuid();
  if (format === 'date-time')
    return fc
      .date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })
      .map((at) => at.toISOString());
  const fits = (text: string) =>
    isStorable(text) && [...text].length >= minLength && [...text].length <= maxLength;
  // The generator knows no lookahead.
  if (pattern?.includes('(?=') || pattern?.includes('(?!')) return fc.constantFrom(...examples);
  if (pattern) return fc.stringMatching(new RegExp(pattern), { size: 'small' }).filter(fits);
  const free = fc.string({
    unit: 'grapheme-composite',
    minLength: Math.min(minLength, textLength),
    maxLength: Math.min(maxLength, textLength),
  });
  return fc.oneof(free, fc.constantFrom(...oddTexts)).filter(fits);
}

const bounded = (value: number): number => Math.max(-1e15, Math.min(1e15, value));

function numbers({ minimum = -1e6, maximum = 1e6 }: JsonSchema, isWhole: boolean): fc.Arbitrary<number> {
  const [min, max] = [bounded(minimum), bounded(maximum)];
  if (isWhole) return fc.integer({ min, max });
  return fc.oneof(
    fc.integer({ min: Math.ceil(min), max: Math.floor(max) }),
    fc.double({ min, max, noNaN: true, noDefaultInfinity: true }).filter((value) => !Number.isInteger(value)),
  );
}

/**
 * Values that fit a schema of the document: what the service must take, as far as a schema can say. Free objects are
 * small ones; optional fields come and go.
 */
export function valuesOf(document: Document, given: JsonSchema, depth = 0): fc.Arbitrary<unknown> {
  const schema = followed<JsonSchema>(document, given);
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map((choice) => valuesOf(document, choice, depth)));
  const types = [schema.type].flat();
  return fc.oneof(...types.map((type) => ofType(document, type, schema, depth)));
}

function ofType(
  document: Document,
  type: string | undefined,
  schema: JsonSchema,
  depth: number,
): fc.Arbitrary<unknown> {
  switch (type) {
    case 'string':
      return texts(schema);
    case 'integer':
    case 'number':
      return numbers(schema, type === 'integer');
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array':
      return lists(document, schema, depth);
    default:
      return objects(document, schema, depth);
  }
}

function lists(
  document: Document,
  { items = {}, minItems = 0, maxItems = listLength, uniqueItems }: JsonSchema,
  depth: number,
) {
  const item = valuesOf(document, items, depth + 1);
  const length = {
    minLength: minItems,
    maxLength: Math.max(minItems, Math.min(maxItems, depth > 4 ? 1 : listLength)),
  };
  return uniqueItems
    ? fc.uniqueArray(item, { ...length, selector: (value) => JSON.stringify(value) })
    : fc.array(item, length);
}

/** I-JSON (RFC 7493): no NUL, no half of a surrogate pair, no whole number that a double rounds. */
function isInteroperable(json: unknown): boolean {
  const text = JSON.stringify(json);
  if (/\\u(0000|d[89a-f])/.test(text)) return false;
  let isExact = true;
  JSON.parse(text, (_key, value) => {
    if (Number.isInteger(value) && !Number.isSafeInteger(value)) isExact = false;
    return value;
  });
  return isExact;
}

const name = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);

function objects(document: Document, schema: JsonSchema, depth: number): fc.Arbitrary<unknown> {
  const { properties = {}, required = [], additionalProperties } = schema;
  const { minProperties = 0, maxProperties = Number.POSITIVE_INFINITY } = schema;
  if (Object.keys(properties).length === 0) {
    if (additionalProperties === false) return fc.constant({});
    const value =
      typeof additionalProperties === 'object'
        ? valuesOf(document, additionalProperties, depth + 1)
        : fc.jsonValue({ maxDepth: 2 }).filter(isInteroperable);
    return fc.dictionary(name, value, {
      minKeys: minProperties,
      maxKeys: minProperties + 2,
      noNullPrototype: true,
    });
  }
  const known = Object.entries(properties).filter(
    ([key]) => depth < 3 || minProperties > 0 || required.includes(key),
  );
  const record = Object.fromEntries(known.map(([key, child]) => [key, valuesOf(document, child, depth + 1)]));
  return fc
    .record(record, { requiredKeys: required, noNullPrototype: true })
    .filter((made) => Object.keys(made).length >= minProperties && Object.keys(made).length <= maxProperties);
}
