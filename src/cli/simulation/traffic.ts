import { performance } from 'node:perf_hooks';
import type { Api } from '../api.ts';
import { Agenda } from './agenda.ts';
import type { SimulatedNode } from './fleet.ts';
import type { Silences } from './silences.ts';
import type { Moment } from './timeline.ts';

interface HeartbeatReply {
  accepted: boolean;
  serverTime: string;
  nextHeartbeatInMs: number;
  deadlineAt: string;
}

/** What came of the heartbeats until now. */
export interface Tally {
  accepted: number;
  ignored: number;
  /** 503: sent again after `Retry-After`. */
  deferred: number;
  /** Any other answer, or none; by status or error. */
  failed: Map<string, number>;
  /** Milliseconds from sending to the answer, of each that was accepted. */
  latenciesMs: number[];
  /** The longest that a heartbeat waited for a free connection: where it grows, the simulator is the bottleneck. */
  longestWaitMs: number;
}

interface TrafficOptions {
  fleet: readonly SimulatedNode[];
  silences: Silences;
  /** Requests under way at once, at most. */
  concurrency: number;
  /** Milliseconds between two heartbeats of a node; null: what the service asks for. */
  intervalMs: number | null;
  /** The first heartbeats are spread over so many milliseconds, as if one node was started after the other. */
  startWithinMs: number;
  now: () => number;
}

const retryAfterFailureMs = 1000;

/** Sends the heartbeats of a fleet: each node when the service asked for it, as an agent would. */
export class Traffic {
  readonly tally: Tally = {
    accepted: 0,
    ignored: 0,
    deferred: 0,
    failed: new Map(),
    latenciesMs: [],
    longestWaitMs: 0,
  };
  readonly #options: TrafficOptions;
  readonly #agenda: Agenda<SimulatedNode>;
  readonly #dead = new Set<SimulatedNode>();
  /** Nodes that are on the agenda or have a heartbeat under way; a dead one leaves when its turn comes. */
  readonly #reporting = new Set<SimulatedNode>();
  readonly #ready: { node: SimulatedNode; sinceMs: number }[] = [];
  readonly #running = new Set<Promise<void>>();
  #moment: Moment = { alive: 1, busy: 0 };

  constructor(options: TrafficOptions) {
    this.#options = options;
    const { fleet, now, startWithinMs } = options;
    this.#agenda = new Agenda(now());
    for (const [index, node] of fleet.entries()) {
      this.#reporting.add(node);
      this.#agenda.add(node, now() + (startWithinMs * index) / fleet.length);
    }
  }

  /** The nodes that are alive are the first so many of the fleet; who comes back reports at once. */
  set moment(moment: Moment) {
    if (moment.alive === this.#moment.alive && moment.busy === this.#moment.busy) return;
    const { fleet, now } = this.#options;
    const alive = Math.round(moment.alive * fleet.length);
    for (const [index, node] of fleet.entries()) {
      if (index >= alive) this.#dead.add(node);
      else if (this.#dead.delete(node) && !this.#reporting.has(node)) {
        this.#reporting.add(node);
        this.#agenda.add(node, now());
      }
    }
    this.#moment = moment;
  }

  /** Sends what is due, as far as connections are free. To be called often. */
  turn(): void {
    const nowMs = this.#options.now();
    for (const node of this.#agenda.take(nowMs)) {
      if (this.#dead.has(node)) this.#reporting.delete(node);
      else this.#ready.push({ node, sinceMs: nowMs });
    }
    while (this.#running.size < this.#options.concurrency && this.#ready.length > 0) {
      const { node, sinceMs } = this.#ready.shift() as { node: SimulatedNode; sinceMs: number };
      this.tally.longestWaitMs = Math.max(this.tally.longestWaitMs, nowMs - sinceMs);
      const sending: Promise<void> = this.#send(node).finally(() => this.#running.delete(sending));
      this.#running.add(sending);
    }
  }

  /** Resolves when nothing is under way any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }

  async #send(node: SimulatedNode): Promise<void> {
    const begun = performance.now();
    const next = await this.#once(node, node.api, begun).catch((error: Error) => {
      this.#fail(error.message);
      return retryAfterFailureMs;
    });
    this.#agenda.add(node, this.#options.now() + next);
  }

  /** Milliseconds until the node's next heartbeat. */
  async #once(node: SimulatedNode, api: Api, begun: number): Promise<number> {
    const body = heartbeatOf(node, this.#moment);
    const answer = await api.once<HeartbeatReply>('POST', '/v1/heartbeats', body);
    if (answer.status === 503) {
      this.tally.deferred++;
      return answer.retryAfterS * 1000;
    }
    if (answer.status !== 202) {
      this.#fail(String(answer.status));
      return retryAfterFailureMs;
    }
    const { accepted, serverTime, deadlineAt, nextHeartbeatInMs } = answer.body;
    if (accepted) this.tally.accepted++;
    else this.tally.ignored++;
    this.tally.latenciesMs.push(performance.now() - begun);
    const nowMs = this.#options.now();
    this.#options.silences.heard(node.id, nowMs, nowMs + Date.parse(deadlineAt) - Date.parse(serverTime));
    return this.#options.intervalMs ?? nextHeartbeatInMs;
  }

  #fail(why: string): void {
    this.tally.failed.set(why, (this.tally.failed.get(why) ?? 0) + 1);
  }
}

const between = (low: number, high: number): number => Math.round(low + Math.random() * (high - low));

/** A heartbeat whose GPUs are busy or idle as the moment has it. */
const heartbeatOf = (node: SimulatedNode, { busy }: Moment): object => ({
  nodeId: node.id,
  sequence: ++node.sequence,
  sentAt: new Date().toISOString(),
  status: 'healthy',
  systemMetrics: { cpuUtilization: between(1, 90), memoryUtilization: between(10, 80) },
  gpus: node.uuids.map((uuid) => {
    const works = Math.random() < busy;
    return {
      uuid,
      utilization: works ? between(60, 100) : 0,
      memoryUsedMb: works ? between(8000, 24_000) : 400,
      temperatureC: works ? between(55, 80) : between(30, 40),
      powerDrawW: works ? between(200, 450) : between(20, 30),
      xidErrors: [],
    };
  }),
});
