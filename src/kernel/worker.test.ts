import { describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { type Pause, Workers } from './worker.ts';

/** Workers whose pauses end at once, until `limit` of them are over; then the loop waits for its end. */
function setup(limit: number) {
  const lines: { level: number; worker: string }[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => lines.push(JSON.parse(line)) });
  const pauses: number[] = [];
  let reached = () => {};
  const paused = new Promise<void>((resolve) => (reached = resolve));
  const pause: Pause = async (ms, signal) => {
    pauses.push(ms);
    if (pauses.length < limit) return;
    reached();
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
  };
  return { workers: new Workers(log, pause), pauses, lines, paused };
}

/** Counts its runs, each of which ends as `outcome` says. */
function counting(outcome: (run: number) => Promise<void>) {
  const count = { runs: 0 };
  const run = () => outcome(++count.runs);
  return { count, worker: { name: 'test.worker', intervalMs: 1000, run } };
}

describe('a worker', () => {
  it('runs at once and then once an interval', async () => {
    const { workers, pauses, paused } = setup(3);
    const { worker, count } = counting(async () => {});
    workers.start(worker);
    expect(count.runs).toBe(1);
    await paused;
    await workers.stop();
    expect(pauses).toEqual([1000, 1000, 1000]);
    expect(count.runs).toBe(3);
  });

  it('backs off when it fails, up to sixteen intervals, and is back in step when it works again', async () => {
    const { workers, pauses, paused } = setup(8);
    const { worker } = counting(async (run) => {
      if (run <= 6) throw new Error('the database is away');
    });
    workers.start(worker);
    await paused;
    await workers.stop();
    expect(pauses).toEqual([2000, 4000, 8000, 16_000, 16_000, 16_000, 1000, 1000]);
  });

  it('reports the first failure of a row, not each', async () => {
    const { workers, lines, paused } = setup(8);
    const { worker } = counting(async (run) => {
      if (run !== 3) throw new Error('the database is away');
    });
    workers.start(worker);
    await paused;
    await workers.stop();
    expect(lines).toMatchObject([
      { level: 40, worker: 'test.worker', err: { message: 'the database is away' } },
      { level: 40, worker: 'test.worker' },
    ]);
  });

  it('that throws before it awaits is a failed run like any other', async () => {
    const { workers, pauses, paused } = setup(2);
    const { worker } = counting(() => {
      throw new Error('at once');
    });
    workers.start(worker);
    await paused;
    await workers.stop();
    expect(pauses).toEqual([2000, 4000]);
  });

  it('does not hold up the others', async () => {
    const { workers, paused } = setup(5);
    let end = () => {};
    const slow = counting(() => new Promise((resolve) => (end = resolve)));
    const quick = counting(async () => {});
    workers.start(slow.worker);
    workers.start(quick.worker);
    await paused;
    expect([slow.count.runs, quick.count.runs]).toEqual([1, 5]);
    end();
    await workers.stop();
  });
});

describe('stop', () => {
  it('waits for the run in progress and starts no other', async () => {
    const { workers } = setup(Number.POSITIVE_INFINITY);
    let end = () => {};
    const { worker, count } = counting(() => new Promise((resolve) => (end = resolve)));
    workers.start(worker);
    const order: string[] = [];
    const stopping = workers.stop().then(() => order.push('stopped'));
    await new Promise(setImmediate);
    order.push('run ends');
    end();
    await stopping;
    expect(order).toEqual(['run ends', 'stopped']);
    expect(count.runs).toBe(1);
  });

  it('ends the pause between two runs', async () => {
    const workers = new Workers(pino({ level: 'silent' }));
    const { worker, count } = counting(async () => {});
    workers.start({ ...worker, intervalMs: 2 ** 30 });
    await workers.stop();
    expect(count.runs).toBe(1);
  });

  it('leaves nothing to start afterwards', async () => {
    const { workers } = setup(1);
    await workers.stop();
    const { worker, count } = counting(async () => {});
    workers.start(worker);
    await workers.stop();
    expect(count.runs).toBe(0);
  });
});
