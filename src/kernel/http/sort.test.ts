import { describe, expect, it } from '@jest/globals';
import sql from 'sql-template-tag';
import { keysetPredicate, orderBy, sortValues } from './keyset.ts';
import { defineSort, parseSort } from './sort.ts';

const definition = defineSort({
  id: { sql: sql`g.id`, type: 'uuid' },
  name: { sql: sql`g.name`, type: 'text' },
  price: { sql: sql`s.price`, type: 'bigint', nullable: true, relation: 'state' },
  cheap: {
    sql: (direction) =>
      direction === 'asc' ? sql`coalesce(s.price, 9223372036854775807)` : sql`coalesce(s.price, -1)`,
    type: 'bigint',
  },
});
const keys = (text?: string) =>
  parseSort(definition, text).map(({ name, direction }) => `${name} ${direction}`);
const after = (text: string, values: (string | null)[]) => {
  const predicate = keysetPredicate(parseSort(definition, text), values);
  return [predicate.text, ...predicate.values];
};

describe('parseSort', () => {
  it.each([
    [undefined, ['id asc']],
    ['-id', ['id desc']],
    ['name', ['name asc', 'id asc']],
    ['-name', ['name desc', 'id desc']],
    ['price,-name', ['price asc', 'name desc', 'id desc']],
    ['id,name', ['id asc']],
  ])('reads %j as %j', (text, expected) => {
    expect(keys(text)).toEqual(expected);
  });

  it.each(['', 'colour', 'name,', '+name', '--name', 'name,name', 'name,-name', 'constructor', 'name;id'])(
    'refuses %j',
    (text) => {
      expect(() => keys(text)).toThrow(/^sort: /);
    },
  );
});

describe('orderBy', () => {
  it('puts NULLs last in both directions, and only where there can be any', () => {
    expect(orderBy(parseSort(definition, 'price,-name')).text).toBe(
      's.price asc NULLS LAST, g.name desc, g.id desc',
    );
    expect(orderBy(parseSort(definition, '-price')).text).toBe('s.price desc NULLS LAST, g.id desc');
  });

  it('takes the expression of the direction', () => {
    expect(orderBy(parseSort(definition, '-cheap')).text).toBe('coalesce(s.price, -1) desc, g.id desc');
  });
});

describe('sortValues', () => {
  it('asks for the values as text of their declared types', () => {
    expect(sortValues(parseSort(definition, 'name')).text).toBe(
      'to_json(ARRAY[(g.name)::text::text,(g.id)::uuid::text])::text',
    );
  });
});

describe('keysetPredicate', () => {
  it.each<[string, (string | null)[], unknown[]]>([
    ['id', ['x'], ['(g.id) > ($1::uuid)', 'x']],
    ['name', ['A', 'x'], ['(g.name,g.id) > ($1::text,$2::uuid)', 'A', 'x']],
    ['-name', ['A', 'x'], ['(g.name,g.id) < ($1::text,$2::uuid)', 'A', 'x']],
    [
      '-price',
      ['5', 'x'],
      [
        '((s.price < $1::bigint OR s.price IS NULL) OR (s.price = $2::bigint AND g.id < $3::uuid))',
        '5',
        '5',
        'x',
      ],
    ],
    [
      'name,-id',
      ['A', 'x'],
      ['(g.name > $1::text OR (g.name = $2::text AND g.id < $3::uuid))', 'A', 'A', 'x'],
    ],
    ['price', [null, 'x'], ['(FALSE OR (s.price IS NULL AND g.id > $1::uuid))', 'x']],
  ])('pages %s behind %j', (sort, values, expected) => {
    expect(after(sort, values)).toEqual(expected);
  });
});
