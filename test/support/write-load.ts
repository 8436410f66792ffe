import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';

/** An answer, as clients of a service in trouble get it. */
export interface Answer {
  status: number;
  retryAfter: string | null;
  /** Milliseconds until it was there. */
  took: number;
}

/**
 * Writers that behave as clients should: each write has its own Idempotency-Key and is repeated until it is
 * acknowledged. At the end nothing acknowledged may be missing, and nothing be there twice (the set test of Jepsen).
 */
export class WriteLoad {
  readonly answers: Answer[] = [];
  readonly acknowledged = new Map<string, string>();
  readonly #url: string;
  readonly #key: string;
  readonly #writers: Promise<void>[];
  #ending = false;
  #abandoned = false;

  constructor(url: string, key: string, writers = 8) {
    this.#url = url;
    this.#key = key;
    this.#writers = Array.from({ length: writers }, () => this.#write());
  }

  /** Waits until every write that was begun is acknowledged. */
  async stop(): Promise<void> {
    this.#ending = true;
    await Promise.all(this.#writers);
  }

  /** Ends it whatever is unanswered: for tests that have failed. */
  async abandon(): Promise<void> {
    this.#abandoned = true;
    await Promise.allSettled(this.#writers);
  }

  /** Names of writes that are missing or doubled: both must be none. */
  async faults(owner: pg.Pool): Promise<{ lost: string[]; doubled: string[] }> {
    const { rows } = await owner.query<{ id: string; name: string }>('SELECT id, name FROM inventory.tenant');
    const stored = new Map(rows.map(({ id, name }) => [name, id]));
    const names = rows.map(({ name }) => name);
    return {
      lost: [...this.acknowledged].filter(([name, id]) => stored.get(name) !== id).map(([name]) => name),
      doubled: names.filter((name, i) => names.indexOf(name) !== i),
    };
  }

  async #write(): Promise<void> {
    while (!this.#ending && !this.#abandoned) {
      const name = randomUUID();
      while (!this.acknowledged.has(name) && !this.#abandoned) await this.#post(name);
    }
  }

  async #post(name: string): Promise<void> {
    const begun = performance.now();
    const answer = await fetch(`${this.#url}/v1/tenants`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${this.#key}`,
        'content-type': 'application/json',
        'idempotency-key': name,
      },
      body: JSON.stringify({ name }),
    });
    const { id } = (await answer.json()) as { id: string };
    const { status, headers } = answer;
    this.answers.push({ status, retryAfter: headers.get('retry-after'), took: performance.now() - begun });
    if (status === 201) this.acknowledged.set(name, id);
    else await delay(20);
  }
}
