import type { JsonSchema } from './openapi.ts';

/** Ids that are none, as they stand in a path. */
export const hostileIds: readonly string[] = [
  '0',
  '-1',
  'null',
  'undefined',
  '%7B0198c0de-0000-7000-8000-000000000001%7D',
  '0198c0de-0000-7000-8000-000000000001%20',
  '0198c0de0000700080000000000000010198c0de',
  '0198c0de-0000-7000-8000-00000000000g',
  'urn:uuid:0198c0de-0000-7000-8000-000000000001',
  '%27%20OR%201%3D1--',
  '..%2F..%2Fetc%2Fpasswd',
  '%00',
  'a%00b',
  '%ff',
  '%zz',
  '%F0%9F%92%A9',
  'x'.repeat(129),
  '__proto__',
  '*',
  ';',
];

/** Texts that break what reads them carelessly. They are good names all the same. */
export const oddTexts: readonly string[] = [
  "' OR 1=1--",
  '"; DROP TABLE inventory.gpu; --',
  '\\',
  '%',
  '_%',
  `$\{7*7}`,
  '{{7*7}}',
  '../../etc/passwd',
  'a\r\nSet-Cookie: x=1',
  '\u001b[31mred\u001b[0m',
  '=cmd()',
  'null',
  'undefined',
  'NaN',
  '[object Object]',
  '__proto__',
  'constructor',
  '\u202Eright to left',
  '\u200B',
  '\u2028',
  'e\u0301',
  '\u00e9',
  '👨‍👩‍👧‍👦',
  '\u0001\u001f',
  ' ',
  '-0',
  '1e400',
];

const wrongTypes = (types: readonly (string | undefined)[]): unknown[] => {
  const samples: [string, unknown][] = [
    ['string', 'text'],
    ['number', 7],
    ['boolean', true],
    ['array', []],
    ['object', {}],
    ['null', null],
  ];
  const fits = (type: string) => types.includes(type) || (type === 'number' && types.includes('integer'));
  return samples.filter(([type]) => !fits(type)).map(([, sample]) => sample);
};

function wrongTexts({
  enum: words,
  format,
  pattern,
  minLength = 0,
  maxLength = 65_536,
}: JsonSchema): string[] {
  if (words) return ['no such word', ''];
  return [
    'a'.repeat(maxLength + 1),
    'a\0b',
    '\ud800',
    ...(minLength > 0 ? [''] : []),
    ...(format === 'uuid' ? ['{0198c0de-0000-7000-8000-000000000001}', '0198c0de'] : []),
    ...(format === 'date-time' ? oddMoments : []),
    ...(pattern ? oddTexts.filter((text) => !new RegExp(pattern, 'u').test(text)).slice(0, 6) : []),
  ];
}

/** Moments that RFC 3339 does not know, or that PostgreSQL would read as something else. */
const oddMoments: readonly string[] = [
  'infinity',
  'now',
  '1700000000',
  '2026-02-29T00:00:00Z',
  '2026-01-01T24:00:00Z',
  '2026-01-01T23:59:60Z',
  '0000-01-01T00:00:00Z',
  '10000-01-01T00:00:00Z',
  '2026-01-01',
  '2026-01-01T00:00:00',
  '2026-01-01T00:00:00+25:00',
];

/** The next number that tells itself apart: beyond 2⁵³ one more is the same. */
const above = (limit: number): number => (Number.isSafeInteger(limit) ? limit + 1 : limit * 10);
const below = (limit: number): number => (Number.isSafeInteger(limit) ? limit - 1 : limit * 10);

function wrongNumbers(types: readonly (string | undefined)[], { minimum, maximum }: JsonSchema): unknown[] {
  return [
    '7',
    ...(types.includes('integer') ? [1.5, 0.1 + 0.2] : []),
    ...(minimum === undefined ? [] : [below(minimum)]),
    ...(maximum === undefined ? [] : [above(maximum)]),
    1e300,
    2 ** 53,
  ];
}

/** JSON values that a schema refuses. */
export function wrongValues(schema: JsonSchema): unknown[] {
  const types = [schema.type].flat();
  return [
    ...wrongTypes(types),
    ...(types.includes('string') ? wrongTexts(schema) : []),
    ...(types.includes('integer') || types.includes('number') ? wrongNumbers(types, schema) : []),
    ...(types.includes('array') ? wrongLists(schema) : []),
    ...(types.includes('object') && schema.additionalProperties === false ? [{ 'no such field': 1 }] : []),
  ];
}

function wrongLists({ minItems = 0, maxItems = 1000, uniqueItems, items = {} }: JsonSchema): unknown[] {
  const item = items.examples?.[0] ?? items.enum?.[0] ?? {};
  return [
    Array.from({ length: maxItems + 1 }, () => item),
    [null],
    ...(minItems > 0 ? [[]] : []),
    ...(uniqueItems ? [[item, item]] : []),
  ];
}

/** Texts that a parameter of a query string refuses, encoded. What is no UTF-8 is tried on plain names alone. */
export function wrongParameters(schema: JsonSchema, name: string): string[] {
  const common = name.includes('.') ? [] : ['%00', '%ff', '%ED%A0%80', 'a%ZZ'];
  const { type, format, minimum = 0, maximum = 0, maxLength = 0 } = schema;
  if (type === 'integer' || type === 'number') {
    const beyond = [below(minimum), above(maximum)].map((value) => encodeURIComponent(String(value)));
    const odd = [
      '',
      'x',
      '%205',
      '5%20',
      '+5',
      '05',
      '5.',
      '0x10',
      '1,2',
      'NaN',
      'Infinity',
      '9'.repeat(400),
    ];
    return [...common, ...beyond, ...odd, ...(type === 'integer' ? ['1.5', '1e2'] : [])];
  }
  if (type === 'boolean') return [...common, '', '1', 'yes', 'TRUE', 'true%20', 'null'];
  if (schema.enum) return [...common, '', 'no%20such%20word'];
  return [
    ...common,
    '',
    'a'.repeat(maxLength + 1),
    ...(format === 'uuid' ? ['0', '%7B0198c0de-0000-7000-8000-000000000001%7D'] : []),
    ...(format === 'date-time' ? oddMoments.map(encodeURIComponent) : []),
  ];
}
