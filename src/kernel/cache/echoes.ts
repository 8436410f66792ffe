import type { Clock } from '../time.ts';

/** What each replica says to all: its own clock, and the newest clock that it has heard from each other one. */
export interface Ping {
  from: string;
  at: number;
  heard: Record<string, number>;
}

interface Replica {
  /** Its newest clock, to be sent back to it. */
  theirs: number;
  /** The newest of our clocks that it has sent back. */
  echoed: number;
  heardAt: number;
}

/** An echo older than this proves nothing; within the 2 s that another replica may lag behind a commit. */
const echoWithinMs = 1500;
/** A replica that has been silent for longer is taken for dead, unless the `instance` table still counts it. */
const forgetAfterMs = 3000;

/**
 * Tells whether every replica still hears us and we hear them. A ping proves that its sender had nothing left to
 * invalidate when it sent it, but a late ping looks like a timely one; so each replica sends our own clock back, as
 * the timestamps of TCP do (RFC 7323): an echo is as old as *our* ping that it answers, whatever the delay and
 * however clocks differ.
 */
export class Echoes {
  readonly #self: string;
  readonly #clock: Clock;
  readonly #replicas = new Map<string, Replica>();

  constructor(self: string, clock: Clock) {
    this.#self = self;
    this.#clock = clock;
  }

  ping(): Ping {
    const now = this.#clock.now();
    for (const [id, { heardAt }] of this.#replicas) {
      if (now - heardAt > forgetAfterMs) this.#replicas.delete(id);
    }
    const heard = Object.fromEntries([...this.#replicas].map(([id, { theirs }]) => [id, theirs]));
    return { from: this.#self, at: now, heard };
  }

  hear({ from, at, heard }: Ping): void {
    const now = this.#clock.now();
    // Our own ping answers itself. A newcomer cannot have heard us yet and gets one period of grace.
    const answer = from === this.#self ? at : (heard[this.#self] ?? -Infinity);
    const echoed = this.#replicas.get(from)?.echoed ?? (from === this.#self ? -Infinity : now);
    this.#replicas.set(from, { theirs: at, echoed: Math.max(echoed, answer), heardAt: now });
  }

  forget(id: string): void {
    this.#replicas.delete(id);
  }

  clear(): void {
    this.#replicas.clear();
  }

  /** Whether we and all others, `replicas` in number or more, are in touch. */
  complete(replicas: number): boolean {
    if (!this.#replicas.has(this.#self) || this.#replicas.size < replicas) return false;
    const oldest = this.#clock.now() - echoWithinMs;
    for (const { echoed } of this.#replicas.values()) if (echoed < oldest) return false;
    return true;
  }
}
