import { describe, expect, it } from '@jest/globals';
import sql from 'sql-template-tag';
import { rowFilters } from '../../../test/support/filter-rows.ts';
import { createCursorCodec } from './cursor.ts';
import { type Collection, listQuerySchema, nextLink, parseLimit, parseList, toPage } from './list.ts';
import { defineSort } from './sort.ts';

const cursors = createCursorCodec(Buffer.alloc(32, 7));
const gpus: Collection<'layers'> = {
  name: 'gpus',
  filters: rowFilters,
  sort: defineSort({ id: { sql: sql`r.id`, type: 'bigint' } }),
  fields: ['id', 'name'],
  includes: ['layers'],
  parameters: ['asOf'],
};
const row = (id: string) => ({ id, sortValues: [id] });

describe('parseLimit', () => {
  it.each([
    [undefined, 50],
    ['1', 1],
    ['500', 500],
    [500, 500],
  ])('reads %j as %j', (raw, limit) => {
    expect(parseLimit(raw)).toBe(limit);
  });

  it.each(['0', '-1', '501', '1000000000', '1e2', ' 5', '5.0', '', 'all', 0, 1.5])('refuses %j', (raw) => {
    expect(() => parseLimit(raw)).toThrow(/^limit: /);
  });
});

describe('parseList', () => {
  it('reads a whole query string', () => {
    const request = parseList(
      gpus,
      { vendor: 'amd', limit: '2', fields: 'name', include: 'layers', asOf: 'x' },
      cursors,
    );
    expect(request).toMatchObject({ limit: 2, after: null, owner: null, collection: 'gpus' });
    expect(request.filters.map(({ name }) => name)).toEqual(['vendor']);
    expect([...(request.fields ?? [])]).toEqual(['id', 'name']);
    expect([...request.include]).toEqual(['layers']);
  });

  it('refuses what it does not know', () => {
    expect(() => parseList(gpus, { colour: 'red' }, cursors)).toThrow(/^colour: /);
  });
});

describe('toPage', () => {
  it('hands out a cursor while there is more, which continues behind the last row', () => {
    const request = parseList(gpus, { limit: '2' }, cursors);
    const page = toPage(request, ['1', '2', '3'].map(row), cursors);
    expect(page.rows.map(({ id }) => id)).toEqual(['1', '2']);
    const next = parseList(gpus, { limit: '1', cursor: page.nextCursor ?? '' }, cursors);
    expect(next.after).toEqual(['2']);
  });

  it('hands out none on the last page', () => {
    const request = parseList(gpus, { limit: '2' }, cursors);
    expect(toPage(request, ['1', '2'].map(row), cursors).nextCursor).toBeNull();
    expect(toPage(request, [], cursors)).toEqual({ rows: [], nextCursor: null });
  });
});

describe('nextLink', () => {
  it('is the same request with another cursor', () => {
    expect(nextLink('/v1/gpus?vendor=amd&cursor=old&limit=2', 'new')).toBe(
      '</v1/gpus?vendor=amd&cursor=new&limit=2>; rel="next"',
    );
  });
});

describe('listQuerySchema', () => {
  it('puts the parameters of every list before the filters', () => {
    const names = Object.keys(listQuerySchema(gpus).properties);
    expect(names.slice(0, 6)).toEqual(['limit', 'cursor', 'sort', 'fields', 'include', 'minMemoryMb']);
  });
});
