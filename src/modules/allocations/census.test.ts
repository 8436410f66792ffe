import { describe, expect, it } from '@jest/globals';
import type { Queryable } from '../../kernel/db/transaction.ts';
import { Census } from './census.ts';
import { Flights } from './flights.ts';

const db: Queryable = { rows: async () => [], execute: async () => 0 };

/** A database whose snapshots end when told to. */
function slowDatabase() {
  const ends: (() => void)[] = [];
  return {
    ends,
    read: async <T>(_writer: unknown, work: (db: Queryable) => Promise<T>): Promise<T> => {
      await new Promise<void>((end) => ends.push(end));
      return work(db);
    },
    close: async () => {},
  };
}

/** Lets everything run that waits for nothing outside. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('a census', () => {
  it('takes as many snapshots at a time as it has connections, in the order of asking', async () => {
    const database = slowDatabase();
    const census = new Census(database, 2);
    const begun: number[] = [];
    const counts = [1, 2, 3].map((number) =>
      census.count(
        async () => number,
        () => begun.push(number),
      ),
    );
    await settle();
    expect(begun).toEqual([1, 2]);
    database.ends.shift()?.();
    await settle();
    expect(begun).toEqual([1, 2, 3]);
    for (const end of database.ends) end();
    expect(await Promise.all(counts)).toEqual([1, 2, 3]);
  });

  it('goes on after a count that fails', async () => {
    const database = slowDatabase();
    const census = new Census(database, 1);
    const failing = census.count(
      async () => Promise.reject(new Error('too slow')),
      () => {},
    );
    const next = census.count(
      async () => 'counted',
      () => {},
    );
    await settle();
    database.ends.shift()?.();
    await expect(failing).rejects.toThrow('too slow');
    await settle();
    database.ends.shift()?.();
    expect(await next).toBe('counted');
  });
});

describe('flights over a census', () => {
  it('are shared by those who ask before the snapshot, and by nobody after it', async () => {
    const database = slowDatabase();
    const census = new Census(database, 1);
    const flights = new Flights<number>();
    let snapshots = 0;
    const ask = (name: string) =>
      flights.join(name, (begun) =>
        census.count(async () => {
          snapshots += 1;
          return snapshots;
        }, begun),
      );
    const first = [ask('same'), ask('same')];
    await settle();
    const later = [ask('same'), ask('same'), ask('other')];
    for (let turn = 0; turn < 3; turn++) {
      await settle();
      database.ends.shift()?.();
    }
    expect(await Promise.all(first)).toEqual([1, 1]);
    expect(await Promise.all(later)).toEqual([2, 2, 3]);
    expect(snapshots).toBe(3);
  });

  it('are shared with those who ask while they run, where these do not mind', async () => {
    const ends: (() => void)[] = [];
    const flights = new Flights<number>();
    const ask = (evenRunning: boolean) =>
      flights.join(
        'same',
        async (begin) => {
          begin();
          const number = ends.length + 1;
          await new Promise<void>((end) => ends.push(end));
          return number;
        },
        { evenRunning },
      );
    const asked: Promise<number>[] = [];
    const begun: number[] = [];
    for (const evenRunning of [true, true, false, true]) {
      asked.push(ask(evenRunning));
      await settle();
      begun.push(ends.length);
    }
    expect(begun).toEqual([1, 1, 2, 2]);
    for (const end of ends) end();
    expect(await Promise.all(asked)).toEqual([1, 1, 2, 2]);
  });

  it('are forgotten once they have failed', async () => {
    const flights = new Flights<number>();
    await expect(flights.join('same', async () => Promise.reject(new Error('too slow')))).rejects.toThrow(
      'too slow',
    );
    expect(await flights.join('same', async () => 1)).toBe(1);
  });
});
