import type { Api, Problem } from '../api.ts';
import { exitCodes } from '../exit-codes.ts';
import { Failure } from '../failure.ts';
import { hardwareName } from '../openb/hardware.ts';
import type { Task } from '../openb/trace.ts';
import type { Allocated, Books } from './books.ts';
import type { Cluster } from './cluster.ts';

export interface ReplayOptions {
  tenantId: string;
  /** Null: the service's own. */
  objective: string | null;
  /** False: nothing ends before the trace does. */
  releases: boolean;
  progress: (line: string) => void;
}

export interface Refusal {
  task: string;
  /** Its place among the requests, from 1 on. */
  request: number;
  /** Seconds of the trace. */
  at: number;
  gpus: number;
  /** GPUs in use when it was refused. */
  inUse: number;
}

export interface Tally {
  requests: number;
  accepted: number;
  refused: number;
  firstRefusal: Refusal | null;
  /** Requests for a part of one GPU, and how they were asked. */
  fractions: { requests: number; asked: 'as shares' | 'as whole GPUs' };
}

type Claimed = Allocated & Problem & { errors?: { pointer: string }[] };

interface Live {
  allocation: Allocated;
  deletedAt: number;
}

/** Asks for what a trace asked for, one request at a time, in its order and by its clock. */
export class Replayer {
  readonly tally: Tally = {
    requests: 0,
    accepted: 0,
    refused: 0,
    firstRefusal: null,
    fractions: { requests: 0, asked: 'as shares' },
  };
  readonly #api: Api;
  readonly #cluster: Cluster;
  readonly #books: Books;
  readonly #options: ReplayOptions;
  readonly #live = new Set<Live>();

  constructor(api: Api, cluster: Cluster, books: Books, options: ReplayOptions) {
    this.#api = api;
    this.#cluster = cluster;
    this.#books = books;
    this.#options = options;
  }

  /** Tasks in the order of their creation. A refused one is not asked for again. */
  async run(tasks: readonly Task[]): Promise<void> {
    for (const task of tasks) {
      await this.#cluster.beat();
      if (this.#options.releases) await this.#release(({ deletedAt }) => deletedAt <= task.createdAt);
      await this.#ask(task);
      const { requests, accepted, refused } = this.tally;
      if (requests % 500 === 0)
        this.#options.progress(
          `${task.createdAt} s: ${requests} requests, ${accepted} accepted, ${refused} refused`,
        );
    }
  }

  /** Gives back whatever is left. */
  releaseAll(): Promise<void> {
    return this.#release(() => true);
  }

  async #ask(task: Task): Promise<void> {
    this.tally.requests++;
    if (task.share < 1000) this.tally.fractions.requests++;
    const { status, body, share } = await this.#claim(task);
    if (status === 201) {
      this.tally.accepted++;
      this.#books.take(body, { gpus: task.gpus, share });
      this.#live.add({ allocation: body, deletedAt: task.deletedAt ?? Number.POSITIVE_INFINITY });
    } else if (status === 409 && body.code === 'allocation.no_capacity') this.#refuse(task);
    else throw new Failure(`${task.name}: ${status} ${body.code} ${body.detail}`, exitCodes.refused);
  }

  /** A part of a GPU is asked for as a share; as a whole one of a service that gives no shares by request. */
  async #claim(task: Task): Promise<{ status: number; body: Claimed; share: number }> {
    const { fractions } = this.tally;
    const share = fractions.asked === 'as shares' ? task.share : 1000;
    const answer = await this.#api.send<Claimed>('POST', '/v1/allocations', this.#request(task, share));
    const unknown = answer.status === 400 && answer.body.errors?.[0]?.pointer === '/share';
    if (!unknown || share === 1000) return { ...answer, share };
    fractions.asked = 'as whole GPUs';
    return this.#claim(task);
  }

  #request({ name, gpus, models }: Task, share: number): object {
    const { tenantId, objective } = this.#options;
    return {
      tenantId,
      purpose: name,
      ...(share < 1000 && { share }),
      request: {
        count: gpus,
        sameNode: true,
        filter: {
          providerId: { in: this.#cluster.providerIds },
          ...(models.length > 0 && { name: { in: models.map(hardwareName) } }),
        },
        ...(objective !== null && { objective }),
      },
    };
  }

  #refuse({ name, gpus, createdAt }: Task): void {
    this.tally.refused++;
    this.tally.firstRefusal ??= {
      task: name,
      request: this.tally.requests,
      at: createdAt,
      gpus,
      inUse: this.#books.inUse / 1000,
    };
  }

  /** Those that ended first go first. */
  async #release(which: (live: Live) => boolean): Promise<void> {
    const due = [...this.#live].filter(which).toSorted((a, b) => a.deletedAt - b.deletedAt);
    for (const live of due) {
      await this.#api.post(`/v1/allocations/${live.allocation.id}/release`, {});
      this.#books.giveBack(live.allocation);
      this.#live.delete(live);
    }
  }
}
