import { Redis } from 'ioredis';
import type { Logger } from 'pino';
import type { Clock } from '../time.ts';
import { Breaker } from './breaker.ts';

/** The longest that anybody waits for an answer of Redis. */
const commandTimeoutMs = 50;
const logEveryMs = 10_000;

interface LinkOptions {
  url: string;
  name: string;
  log: Logger;
  clock: Clock;
  onReady(): Promise<void>;
  onClose(): void;
}

/**
 * One connection to Redis that never makes a caller wait: nothing is queued while it is away, nothing is sent twice,
 * and an answer that does not come within 50 ms is an error. It reconnects by itself, for ever.
 */
export class RedisLink {
  readonly client: Redis;
  readonly #breaker: Breaker;
  readonly #options: LinkOptions;
  #silentUntil = 0;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#breaker = new Breaker({ clock: options.clock, failures: 5, openMs: 2000 });
    this.client = new Redis(options.url, {
      connectionName: options.name,
      enableAutoPipelining: true,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      autoResubscribe: false,
      connectTimeout: 500,
      // A peer that vanished without a word (a cut cable, a frozen server) is given up and dialled again.
      socketTimeout: 5000,
      retryStrategy: (attempt) => Math.min(50 * 2 ** attempt, 1000) + Math.random() * 100,
      // After a failover the old address may lead to what is now a replica.
      reconnectOnError: (error) => error.message.startsWith('READONLY'),
    });
    this.client.on('error', (error: Error) => this.#report(error));
    this.client.on('ready', () => {
      this.#breaker.succeeded();
      void options.onReady();
    });
    this.client.on('close', () => options.onClose());
  }

  /** Runs commands and rejects at once while Redis is away, or after 50 ms; a failure is logged, at most every 10 s. */
  async run<T>(commands: (client: Redis) => Promise<T>): Promise<T> {
    if (this.client.status !== 'ready') throw new Error('Redis is not connected');
    if (!this.#breaker.admits()) throw new Error('Redis has failed lately');
    try {
      const reply = await within(commandTimeoutMs, commands(this.client));
      this.#breaker.succeeded();
      return reply;
    } catch (error) {
      this.#breaker.failed();
      this.#report(error);
      throw error;
    }
  }

  close(): void {
    this.client.disconnect();
  }

  #report(error: unknown): void {
    const now = this.#options.clock.now();
    if (now < this.#silentUntil) return;
    this.#silentUntil = now + logEveryMs;
    this.#options.log.warn({ err: error, link: this.#options.name }, 'Redis does not answer as it should');
  }
}

/** ioredis has a time-out of its own, but it takes a busy process for a silent server: see `setImmediate` below. */
function within<T>(ms: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new Error(`No answer within ${ms} ms`));
    // Timers run before sockets are read: an answer that has arrived while we were busy still counts.
    const timer = setTimeout(() => setImmediate(late), ms);
    const settle =
      <V>(then: (value: V) => void) =>
      (value: V) => {
        clearTimeout(timer);
        then(value);
      };
    work.then(settle(resolve), settle(reject));
  });
}
