import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import sql from 'sql-template-tag';
import { rowFilters } from '../../../test/support/filter-rows.ts';
import { parseFilterQuery } from '../filters/query.ts';
import { type CursorScope, createCursorCodec } from './cursor.ts';
import { defineSort, parseSort } from './sort.ts';

const secret = Buffer.alloc(32, 7);
const sorts = defineSort({ id: { sql: sql`g.id`, type: 'uuid' }, name: { sql: sql`g.name`, type: 'text' } });
const filters = (query: Record<string, string>) => parseFilterQuery(rowFilters, query);
const scope: CursorScope = {
  collection: 'gpus',
  filters: filters({ vendor: 'amd', minMemoryMb: '1' }),
  sort: parseSort(sorts, 'name'),
  owner: 'tenant-1',
};
const codec = createCursorCodec(secret);
const refusal = expect.objectContaining({ status: 400, code: 'request.invalid_cursor' });
const values = fc.array(fc.option(fc.string({ unit: 'binary' })), { maxLength: 4 });

function outcome(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return error;
  }
}

describe('cursors', () => {
  it('carry their values unchanged', () => {
    fc.assert(
      fc.property(values, (last) => {
        const cursor = codec.encode(scope, last);
        expect(cursor).toMatch(/^[\w-]+\.[\w-]+$/);
        expect(codec.decode(scope, cursor)).toEqual(last);
      }),
    );
  });

  it('serve the same walk however its filters are written', () => {
    const cursor = codec.encode(scope, ['a', 'b']);
    const same = { ...scope, filters: filters({ 'memoryTotalMb.gte': '1', vendor: 'amd' }) };
    expect(codec.decode(same, cursor)).toEqual(['a', 'b']);
  });

  it.each<[string, Partial<CursorScope>]>([
    ['collection', { collection: 'nodes' }],
    ['filter', { filters: filters({ vendor: 'amd', minMemoryMb: '2' }) }],
    ['set of filters', { filters: [] }],
    ['sort', { sort: parseSort(sorts, '-name') }],
    ['owner', { owner: 'tenant-2' }],
    ['view', { owner: null }],
  ])('are refused under another %s', (_what, other) => {
    const cursor = codec.encode(scope, ['a', 'b']);
    expect(outcome(() => codec.decode({ ...scope, ...other }, cursor))).toEqual(refusal);
  });

  it('are refused when altered by one character anywhere, or cut', () => {
    const cursor = codec.encode(scope, ['a', 'b']);
    for (let at = 0; at < cursor.length; at += 1) {
      const altered = `${cursor.slice(0, at)}${cursor[at] === 'A' ? 'B' : 'A'}${cursor.slice(at + 1)}`;
      expect(outcome(() => codec.decode(scope, altered))).toEqual(refusal);
      expect(outcome(() => codec.decode(scope, cursor.slice(0, at)))).toEqual(refusal);
    }
  });

  it.each(['', '.', 'junk', 'e30.e30', 'ä.ö', '\ud800.x'])('refuse %j', (cursor) => {
    expect(outcome(() => codec.decode(scope, cursor))).toEqual(refusal);
  });

  it('are refused with something appended, and from another secret', () => {
    const cursor = codec.encode(scope, ['a', 'b']);
    expect(outcome(() => codec.decode(scope, `${cursor}.x`))).toEqual(refusal);
    expect(outcome(() => createCursorCodec(Buffer.alloc(32, 8)).decode(scope, cursor))).toEqual(refusal);
  });

  it('expire', () => {
    let now = 1_000_000;
    const timed = createCursorCodec(secret, { now: () => now }, 60_000);
    const cursor = timed.encode(scope, ['a', 'b']);
    now += 59_999;
    expect(timed.decode(scope, cursor)).toEqual(['a', 'b']);
    now += 1;
    expect(outcome(() => timed.decode(scope, cursor))).toEqual(refusal);
  });
});
