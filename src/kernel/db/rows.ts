import pg from 'pg';

/** int8 as a number (all of ours stay below 2^53), everything else as `pg` does: numeric as text, times as Date. */
const types = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === pg.types.builtins.INT8
      ? Number
      : pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser,
};

const camelCase = (name: string): string =>
  name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

export const rowOptions = { rowMode: 'array' as const, types };

type MakeObject = (values: readonly unknown[]) => unknown;

const makers = new Map<string, MakeObject>();

/**
 * Spells the object out, as ajv and fast-json-stringify do: an object that gets its keys one by one becomes a hash table
 * after a dozen, and a page of GPUs ten times as dear.
 */
function makeMaker(names: readonly string[]): MakeObject {
  const entries = names.map((name, at) => `${JSON.stringify(camelCase(name))}: values[${at}]`);
  return new Function('values', `return { ${entries.join(', ')} };`) as MakeObject;
}

/** Rows as objects with camelCase keys: `price_per_hour_nano_usd` reads `pricePerHourNanoUsd`. */
export function toObjects<Row>({ fields, rows }: pg.QueryArrayResult): Row[] {
  if (rows.length === 0) return [];
  const names = fields.map(({ name }) => name);
  const key = names.join();
  const make = makers.get(key) ?? makeMaker(names);
  makers.set(key, make);
  return rows.map((values) => make(values) as Row);
}
