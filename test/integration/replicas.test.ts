import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import type { Database } from '../../src/kernel/db/database.ts';
import { Replicas } from '../../src/kernel/replicas.ts';
import { sharedSecret } from '../../src/kernel/shared-secret.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { openDatabase } from '../support/kernel.ts';

let server: TestDatabase;
let db: Database;
let owner: pg.Pool;
let now = 0;

beforeAll(async () => {
  server = await createDatabase();
  db = openDatabase(server.url);
  owner = new pg.Pool({ connectionString: server.ownerUrl, max: 1 });
});
afterAll(async () => {
  await Promise.all([db.close(), owner.end()]);
  await server.drop();
});

const replica = () => new Replicas(db, { now: () => now });
const show = (each: Replicas) => each.worker().run();

describe('a replica', () => {
  it('is not alone until it has looked', async () => {
    const one = replica();
    expect(one.count()).toBe(2);
    await show(one);
    expect(one.count()).toBe(1);
    await one.leave();
  });

  it('counts those that show themselves, and no longer those that left or fell silent', async () => {
    const [one, two, three] = [replica(), replica(), replica()];
    for (const each of [two, three, one]) await show(each);
    expect(one.count()).toBe(3);
    await two.leave();
    await show(one);
    expect(one.count()).toBe(2);
    await owner.query(
      `UPDATE inventory.instance SET seen_at = seen_at - interval '6 seconds' WHERE id = $1`,
      [three.id],
    );
    await show(one);
    expect(one.count()).toBe(1);
    await owner.query(
      `UPDATE inventory.instance SET seen_at = seen_at - interval '2 minutes' WHERE id = $1`,
      [three.id],
    );
    await show(one);
    expect((await owner.query('SELECT id FROM inventory.instance')).rows).toEqual([{ id: one.id }]);
    await one.leave();
  });

  it('is not alone when its last look is old', async () => {
    const one = replica();
    await show(one);
    now += 3999;
    expect(one.count()).toBe(1);
    now += 1;
    expect(one.count()).toBe(2);
    await one.leave();
  });
});

describe('a shared secret', () => {
  it('is the same for all who ask at once, and for those who ask later', async () => {
    const asked = await Promise.all(Array.from({ length: 8 }, () => sharedSecret(db, 'cursor')));
    const later = await sharedSecret(db, 'cursor');
    expect(later).toHaveLength(32);
    for (const secret of asked) expect(secret).toEqual(later);
  });

  it('is another one under another name', async () => {
    expect(await sharedSecret(db, 'other')).not.toEqual(await sharedSecret(db, 'cursor'));
  });
});
