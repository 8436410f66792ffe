import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';

/** Work that repeats. Each run must be safe beside the same run in other replicas: guarded statements, SKIP LOCKED. */
export interface Worker {
  name: string;
  intervalMs: number;
  run(): Promise<void>;
}

/** Waits, but no longer than until `signal` aborts; tests hand in their own. */
export type Pause = (ms: number, signal: AbortSignal) => Promise<void>;

const realPause: Pause = (ms, signal) => delay(ms, undefined, { signal, ref: false }).catch(() => {});

/** Runs workers one loop each until `stop`, which waits for the runs in progress. A failed run is logged and repeated. */
export class Workers {
  readonly #stopping = new AbortController();
  readonly #loops: Promise<void>[] = [];
  readonly #log: Logger;
  readonly #pause: Pause;

  constructor(log: Logger, pause: Pause = realPause) {
    this.#log = log;
    this.#pause = pause;
    // Every worker that pauses listens to it; Node takes more than ten for a leak.
    setMaxListeners(0, this.#stopping.signal);
  }

  start(worker: Worker): void {
    this.#loops.push(this.#loop(worker));
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#loops);
  }

  async #loop({ name, intervalMs, run }: Worker): Promise<void> {
    const { signal } = this.#stopping;
    let failures = 0;
    while (!signal.aborted) {
      try {
        await run();
        failures = 0;
      } catch (error) {
        // The first failure of a row is worth a line, its hundredth repetition is not.
        if (failures++ % 100 === 0) this.#log.warn({ err: error, worker: name }, 'a worker run failed');
      }
      await this.#pause(intervalMs * Math.min(2 ** failures, 16), signal);
    }
  }
}
