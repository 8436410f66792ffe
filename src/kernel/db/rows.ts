import pg from 'pg';

/** int8 as a number (all of ours stay below 2^53), everything else as `pg` does: numeric as text, times as Date. */
const types = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === pg.types.builtins.INT8
      ? Number
      : pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser,
};

const camelNames = new Map<string, string>();

const camelCase = (name: string): string => {
  let camel = camelNames.get(name);
  if (camel === undefined) {
    camel = name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
    camelNames.set(name, camel);
  }
  return camel;
};

export const rowOptions = { rowMode: 'array' as const, types };

/** Rows as objects with camelCase keys: `price_per_hour_nano_usd` reads `pricePerHourNanoUsd`. */
export function toObjects<Row>(result: pg.QueryArrayResult): Row[] {
  const keys = result.fields.map((field) => camelCase(field.name));
  return result.rows.map((values: unknown[]) => {
    const row: Record<string, unknown> = {};
    for (let i = 0; i < keys.length; i++) row[keys[i] as string] = values[i];
    return row as Row;
  });
}
