import { beforeEach, describe, expect, it } from '@jest/globals';
import { unavailable } from '../../kernel/errors.ts';
import { digestOf, generateKey } from './api-key.ts';
import { Authenticator } from './authenticator.ts';
import type { StoredKey } from './domain.ts';

const pepper = 'pepper';
const key = generateKey('live');
const stored: StoredKey = {
  id: 'k1',
  digest: digestOf(key, pepper),
  role: 'viewer',
  providerId: null,
  nodeId: null,
  tenantId: null,
  scopes: [],
  disabled: false,
  expired: false,
  revoked: false,
};

/** A key table of one row, whose answers tests can hold back. */
class Keys {
  answer: StoredKey | undefined = stored;
  looks = 0;
  flushed: unknown[] = [];
  gate: Promise<void> = Promise.resolve();

  async row<Row>(): Promise<Row | undefined> {
    this.looks++;
    const { answer } = this;
    await this.gate;
    return answer as Row | undefined;
  }

  async execute({ values }: { values: unknown[] }): Promise<number> {
    this.flushed.push(values[0]);
    return 1;
  }
}

let keys: Keys;
let now: number;
let authenticator: Authenticator;

beforeEach(() => {
  keys = new Keys();
  now = 0;
  authenticator = new Authenticator({ db: keys, pepper, clock: { now: () => now } });
});

const codeOf = (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => 'usable',
    (error: { code?: string }) => error.code,
  );

describe('a key', () => {
  it.each([
    ['as stored', {}, 'usable'],
    ['revoked', { revoked: true, disabled: true, expired: true }, 'auth.key_revoked'],
    ['disabled', { disabled: true, expired: true }, 'auth.key_disabled'],
    ['expired', { expired: true }, 'auth.key_expired'],
    ['with another secret', { digest: Buffer.alloc(32) }, 'auth.invalid_key'],
  ])('%s', async (_what, change, code) => {
    keys.answer = { ...stored, ...change };
    expect(await codeOf(authenticator.authenticate(key))).toBe(code);
  });

  it('that nobody knows', async () => {
    keys.answer = undefined;
    expect(await codeOf(authenticator.authenticate(key))).toBe('auth.invalid_key');
  });

  it('with a wrong checksum is refused without a look', async () => {
    const mistyped = key.slice(0, -1) + (key.endsWith('0') ? '1' : '0');
    expect(await codeOf(authenticator.authenticate(mistyped))).toBe('auth.invalid_key');
    expect(keys.looks).toBe(0);
  });
});

describe('what is remembered', () => {
  it('saves the look for five seconds', async () => {
    await authenticator.authenticate(key);
    now = 4999;
    await authenticator.authenticate(key);
    expect(keys.looks).toBe(1);
    keys.answer = { ...stored, revoked: true };
    now = 5000;
    expect(await codeOf(authenticator.authenticate(key))).toBe('auth.key_revoked');
  });

  it('is recalled as long, but neither before the look ends nor after a change', async () => {
    const recalled = () => authenticator.recall(key)?.keyId;
    const look = authenticator.authenticate(key);
    expect(recalled()).toBeUndefined();
    await look;
    expect([recalled(), authenticator.recall('another')]).toEqual(['k1', null]);
    now = 4999;
    expect(recalled()).toBe('k1');
    now = 5000;
    expect(recalled()).toBeUndefined();
    now = 0;
    authenticator.forget();
    expect(recalled()).toBeUndefined();
  });

  it('is one look for all who come at once', async () => {
    const callers = Array.from({ length: 50 }, () => authenticator.authenticate(key));
    expect(new Set((await Promise.all(callers)).map(({ keyId }) => keyId))).toEqual(new Set(['k1']));
    expect(keys.looks).toBe(1);
  });

  it('is never a refusal, nor a database that is away', async () => {
    keys.gate = Promise.reject(unavailable('dependency.unavailable', 'The database is away.'));
    const callers = Array.from({ length: 3 }, () => codeOf(authenticator.authenticate(key)));
    expect(new Set(await Promise.all(callers))).toEqual(new Set(['dependency.unavailable']));
    keys.gate = Promise.resolve();
    expect(await codeOf(authenticator.authenticate(key))).toBe('usable');
  });

  it('is gone at once when a key changes, even for a look under way', async () => {
    let open = () => {};
    keys.gate = new Promise((resolve) => (open = resolve));
    const early = authenticator.authenticate(key);
    keys.answer = { ...stored, revoked: true };
    authenticator.forget();
    open();
    expect((await early).keyId).toBe('k1');
    expect(await codeOf(authenticator.authenticate(key))).toBe('auth.key_revoked');
  });
});

it('writes the use of keys in bulk, and once', async () => {
  await authenticator.flushLastUsed();
  expect(keys.flushed).toEqual([]);
  await authenticator.authenticate(key);
  await authenticator.authenticate(key);
  await authenticator.flushLastUsed();
  await authenticator.flushLastUsed();
  expect(keys.flushed).toEqual([['k1']]);
  authenticator.recall(key);
  await authenticator.flushLastUsed();
  expect(keys.flushed).toHaveLength(2);
});
