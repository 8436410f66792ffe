import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import type { Clock } from '../time.ts';
import { type Coherence, checkEveryMs, type Drop } from './coherence.ts';
import { Echoes } from './echoes.ts';
import { type Message, parseMessage } from './messages.ts';
import { type Attempt, everything, PendingTags } from './pending-tags.ts';
import { RedisLink } from './redis-link.ts';
import { tokenKey } from './shared-store.ts';

interface BusOptions {
  redisUrl: string;
  prefix: string;
  log: Logger;
  clock: Clock;
  replicas: () => number;
  drop: Drop;
}

/**
 * Coherence over Redis. An invalidation deletes the tokens of its tags and is published; every replica pings every
 * 250 ms, but only while none of its invalidations is outstanding. As long as all replicas echo, every commit that
 * was answered longer ago than an echo may be old (1.5 s) has been told. While they do not, nothing is cached; and
 * once they do again everything is dropped first, since a replica that died, or a Redis that came back with old data,
 * may have kept an invalidation to itself.
 */
export class BusCoherence implements Coherence {
  readonly link: RedisLink;
  readonly #id = randomUUID();
  readonly #options: BusOptions;
  readonly #channel: string;
  readonly #subscriber: RedisLink;
  readonly #echoes: Echoes;
  readonly #pending = new PendingTags();
  readonly #timer: NodeJS.Timeout;
  #inTouch = false;

  constructor(options: BusOptions) {
    const { redisUrl: url, prefix, log, clock } = options;
    this.#options = options;
    this.#channel = `${prefix}bus`;
    this.#echoes = new Echoes(this.#id, clock);
    const common = { url, log, clock, onClose: () => this.#forgetAll() };
    this.link = new RedisLink({ ...common, name: 'cache', onReady: () => this.#beat() });
    this.#subscriber = new RedisLink({ ...common, name: 'cache-bus', onReady: () => this.#subscribe() });
    this.#subscriber.client.on('message', (_channel: string, text: string) => this.#receive(text));
    this.#timer = setInterval(() => void this.#beat(), checkEveryMs).unref();
  }

  usable(tags: readonly string[]): boolean {
    return this.#check() && !this.#pending.holdsAny(tags);
  }

  async announce(tags: readonly string[]): Promise<void> {
    await this.#tell(this.#pending.add(tags));
  }

  /** Leaves with a word, so that the others need not doubt; without one where they have been told too little. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    if (this.#pending.size === 0) await this.#say({ kind: 'bye', from: this.#id });
    this.#echoes.clear();
    this.#inTouch = false;
    this.#subscriber.close();
    this.link.close();
  }

  /** Whether all replicas are in touch. A silence that nobody notices here is shorter than the death of a replica. */
  #check(): boolean {
    const complete = this.#echoes.complete(this.#options.replicas());
    if (complete === this.#inTouch) return complete;
    this.#inTouch = complete;
    if (complete) this.#startAfresh();
    else this.#options.log.warn('the cache stands aside: not all replicas, or not Redis, are in touch');
    return complete;
  }

  #startAfresh(): void {
    this.#options.log.info('the cache is in touch with all replicas');
    this.#options.drop([everything]);
    void this.#tell(this.#pending.addEverything());
  }

  #forgetAll(): void {
    this.#echoes.clear();
    this.#check();
  }

  /** What is outstanding first: a ping says that nothing is. */
  async #beat(): Promise<void> {
    this.#check();
    // The subscriber's socket only notices that its peer has vanished while it waits for an answer.
    void this.#subscriber.run((redis) => redis.ping()).catch(() => {});
    const told = this.#pending.size === 0 || (await this.#tell(this.#pending.again()));
    if (told) await this.#say({ kind: 'ping', ...this.#echoes.ping() });
  }

  /** Whether all replicas know now. */
  async #tell({ tags, settle }: Attempt): Promise<boolean> {
    const told = await this.#say({ kind: 'drop', from: this.#id, tags }, (redis) =>
      redis.del(tags.map((tag) => tokenKey(this.#options.prefix, tag))),
    );
    if (told) settle();
    return told;
  }

  /** Publishes, after `before` on the same connection; false when Redis did not confirm it. The link logs why. */
  #say(message: Message, before?: (redis: Redis) => Promise<unknown>): Promise<boolean> {
    return this.link
      .run((redis) => Promise.all([before?.(redis), redis.publish(this.#channel, JSON.stringify(message))]))
      .then(
        () => true,
        () => false,
      );
  }

  async #subscribe(): Promise<void> {
    await this.#subscriber.run((redis) => redis.subscribe(this.#channel)).catch(() => {});
    await this.#beat();
  }

  #receive(text: string): void {
    const message = parseMessage(text);
    if (message?.kind === 'ping') this.#echoes.hear(message);
    else if (message?.kind === 'bye') this.#echoes.forget(message.from);
    else if (message && message.from !== this.#id) this.#options.drop(message.tags);
    this.#check();
  }
}
