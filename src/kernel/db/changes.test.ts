import { describe, expect, it } from '@jest/globals';
import type { Principal } from '../context.ts';
import { actorOf, diffOf, insertChanges } from './changes.ts';

const nobody: Principal = {
  keyId: '',
  role: 'viewer',
  providerId: null,
  nodeId: null,
  tenantId: null,
  scopes: [],
};

describe('diffOf', () => {
  it('shows the fields that differ, as they were and as they are', () => {
    const before = { name: 'a', region: 'eu', labels: { x: '1' } };
    const after = { name: 'b', region: 'eu', labels: { x: '2' } };
    expect(diffOf(before, after)).toEqual({
      before: { name: 'a', labels: { x: '1' } },
      after: { name: 'b', labels: { x: '2' } },
    });
  });

  it('leaves out what every change changes', () => {
    const before = { version: 1, updatedAt: new Date(1), name: 'a' };
    expect(diffOf(before, { version: 2, updatedAt: new Date(2), name: 'a' }).after).toEqual({});
  });

  it.each([
    ['the order of members', { a: 1, b: { c: 2, d: 3 } }, { b: { d: 3, c: 2 }, a: 1 }],
    ['a moment in other words', new Date('2026-01-01T00:00:00Z'), '2026-01-01T01:00:00+01:00'],
    ['two dates of one moment', new Date(5), new Date(5)],
    ['null', null, null],
  ])('sees no difference in %s', (_what, before, after) => {
    expect(diffOf<{ value: unknown }>({ value: before }, { value: after }).after).toEqual({});
  });

  it.each([
    ['two moments', new Date(5), new Date(6)],
    ['a moment and another in words', new Date('2026-01-01T00:00:00Z'), '2026-01-01T00:00:01Z'],
    ['a moment and none', new Date(5), null],
    ['nothing and an empty text', null, ''],
    ['the order of a list', ['a', 'b'], ['b', 'a']],
    ['a number and its text', 1, '1'],
  ])('tells %s apart', (_what, before, after) => {
    const difference = diffOf<{ value: unknown }>({ value: before }, { value: after });
    expect(difference).toEqual({ before: { value: before }, after: { value: after } });
  });
});

describe('actorOf', () => {
  it('names the key, or nobody where none was needed', () => {
    const operator = { ...nobody, keyId: 'k1', role: 'operator' as const };
    expect(actorOf({ principal: operator, requestId: 'r1' })).toEqual({
      type: 'operator',
      id: 'k1',
      requestId: 'r1',
    });
    expect(actorOf({ principal: nobody, requestId: 'r2' })).toEqual({
      type: 'anonymous',
      id: null,
      requestId: 'r2',
    });
  });
});

it('writes all changes of a transaction by one statement with every column filled', () => {
  const changes = [
    { type: 'gpu.created', subject: { type: 'gpu', id: 'g1' }, version: 1 },
    { type: 'gpu.updated', subject: { type: 'gpu', id: 'g2' }, version: 7, diff: { after: { name: 'b' } } },
  ];
  const { values } = insertChanges({ type: 'service', id: 'sweep', requestId: null }, changes);
  expect(values.slice(0, 3)).toEqual(['service', 'sweep', null]);
  const none = { reason: null, provider_id: null, node_id: null, tenant_id: null };
  expect(JSON.parse(String(values[3]))).toEqual([
    { type: 'gpu.created', subject_type: 'gpu', subject_id: 'g1', version: 1, diff: {}, ...none },
    {
      type: 'gpu.updated',
      subject_type: 'gpu',
      subject_id: 'g2',
      version: 7,
      diff: { after: { name: 'b' } },
      ...none,
    },
  ]);
});
