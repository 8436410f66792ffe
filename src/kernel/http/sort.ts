import type { Sql } from 'sql-template-tag';
import { Type } from 'typebox';
import { invalid } from '../errors.ts';

export type Direction = 'asc' | 'desc';

/**
 * One way to order a collection. `type` is the SQL type of the expression. A nullable expression puts its NULLs last
 * in both directions and pages by an OR that no index can follow; a hot sort had better map NULL to a value beyond
 * all others, in both `sql` and its index: `(direction) => direction === 'asc' ? coalesce(price, 2⁶³−1) : coalesce(price, -1)`.
 */
export interface SortField {
  sql: Sql | ((direction: Direction) => Sql);
  type: 'text' | 'uuid' | 'bigint' | 'double precision' | 'timestamptz';
  nullable?: boolean;
  relation?: string;
}

export interface SortKey {
  name: string;
  direction: Direction;
  expression: Sql;
  type: SortField['type'];
  nullable: boolean;
  relation: string | undefined;
}

/** A total order: it always ends in `id`. */
export type Sort = readonly SortKey[];

export interface SortDefinition {
  readonly fields: ReadonlyMap<string, SortField>;
  readonly default: string;
}

/**
 * Declares how a collection may be ordered. Only properties that stay still belong here: a row that moves while it
 * is walked over may be met twice or never.
 *
 * @example defineSort({ id: { sql: sql`g.id`, type: 'uuid' }, name: { sql: sql`g.name`, type: 'text' } })
 */
export const defineSort = (
  fields: Record<string, SortField> & { id: SortField },
  options: { default?: string } = {},
): SortDefinition => ({ fields: new Map(Object.entries(fields)), default: options.default ?? 'id' });

function sortKey({ fields }: SortDefinition, name: string, direction: Direction): SortKey {
  const field = fields.get(name);
  if (field === undefined) throw invalid('sort', `must name some of ${[...fields.keys()].join(', ')}`);
  const { sql, type, nullable = false, relation } = field;
  const expression = typeof sql === 'function' ? sql(direction) : sql;
  return { name, direction, expression, type, nullable, relation };
}

/**
 * Reads `sort=field,-field`. `id` is appended as the tie-break, in the direction of the last field: one direction
 * throughout lets a row comparison, and so one index in either direction, do the paging.
 *
 * @example parseSort(gpuSort, '-name') // name descending, then id descending
 * @throws 400 `request.invalid` naming `sort` where a field is unknown or repeated.
 */
export function parseSort(definition: SortDefinition, text: string = definition.default): Sort {
  const keys = text
    .split(',')
    .map((part) =>
      part.startsWith('-') ? sortKey(definition, part.slice(1), 'desc') : sortKey(definition, part, 'asc'),
    );
  if (new Set(keys.map((key) => key.name)).size < keys.length) throw invalid('sort', 'names a field twice');
  const ended = keys.findIndex((key) => key.name === 'id');
  if (ended >= 0) return keys.slice(0, ended + 1);
  return [...keys, sortKey(definition, 'id', keys.at(-1)?.direction ?? 'asc')];
}

/** The parameter `sort`, with its closed set of fields. */
export const sortSchema = (definition: SortDefinition) => {
  const name = `-?(${[...definition.fields.keys()].join('|')})`;
  return Type.Optional(
    Type.String({
      pattern: `^${name}(,${name})*$`,
      maxLength: 200,
      default: definition.default,
      description: `Comma-separated, \`-\` for descending: ${[...definition.fields.keys()].join(', ')}.`,
    }),
  );
};
