import type { RequestContext } from '../../kernel/context.ts';
import type { Database } from '../../kernel/db/database.ts';
import { invalid } from '../../kernel/errors.ts';
import { parseTimestamp } from '../../kernel/http/timestamp.ts';
import type { Directives } from './directives.ts';
import { intervalOf, jittered } from './domain.ts';
import { foreignNode, unknownNode } from './errors.ts';
import type { Ingest, Outcomes, Submission } from './ingest.ts';
import type { Pace } from './pace.ts';
import type { StoredRow } from './queries.ts';
import type { Directive, HeartbeatAnswer, HeartbeatBatchAnswer, HeartbeatInput } from './schemas.ts';

interface Options {
  db: Database;
  ingest: Ingest;
  pace: Pace;
  directives: Directives;
}

/** Takes signs of life: rights and answers; storing them is the ingest's work. */
export class HeartbeatService {
  readonly #options: Options;

  constructor(options: Options) {
    this.#options = options;
  }

  /** @throws 403 `heartbeat.foreign_node`, 404 `node.not_found`, 503 `heartbeat.overloaded`. */
  async send(ctx: RequestContext, heartbeat: HeartbeatInput): Promise<HeartbeatAnswer> {
    const [answer] = await this.#take(ctx, [heartbeat], '');
    return answer as HeartbeatAnswer;
  }

  /** Stores all or, where one names a node that is not the caller's, none. */
  async sendBatch(ctx: RequestContext, heartbeats: readonly HeartbeatInput[]): Promise<HeartbeatBatchAnswer> {
    const results = await this.#take(ctx, heartbeats, '/heartbeats');
    const accepted = results.filter((result) => result.accepted).length;
    return { accepted, ignored: results.length - accepted, results };
  }

  async #take(
    ctx: RequestContext,
    given: readonly HeartbeatInput[],
    list: string,
  ): Promise<HeartbeatAnswer[]> {
    const pointer = (index: number, field: string) => `${list && `${list}/${index}`}/${field}`;
    const submission = {
      viewer: ctx.principal.role === 'provider' ? ctx.principal.providerId : null,
      heartbeats: given.map((heartbeat, index) => withMoment(heartbeat, pointer(index, 'sentAt'))),
    };
    assertOwnNode(ctx, given, pointer);
    const answer = (outcomes: Outcomes): HeartbeatAnswer[] => {
      assertKnown(ctx, outcomes, pointer);
      return outcomes.map((outcome, index) => this.#answer(given[index]?.nodeId ?? '', outcome));
    };
    return ctx.idempotency
      ? this.#once(ctx, submission, answer)
      : answer(await this.#options.ingest.submit(submission));
  }

  /** With an Idempotency-Key: in one transaction with the key. */
  #once(
    ctx: RequestContext,
    submission: Submission,
    answer: (outcomes: Outcomes) => HeartbeatAnswer[],
  ): Promise<HeartbeatAnswer[]> {
    const { db, ingest } = this.#options;
    return db.write(ctx, async (tx) => answer((await ingest.storeIn(tx, [submission])).flat()));
  }

  #answer(nodeId: string, row: StoredRow): HeartbeatAnswer {
    const { outcome, at, deadline } = row;
    const accepted = outcome === 'accepted';
    const directives = [...returning(row), ...this.#options.directives.of(nodeId)];
    return {
      accepted,
      ...(accepted ? {} : { ignoredReason: 'stale_sequence' }),
      serverTime: new Date(at).toISOString(),
      nextHeartbeatInMs: jittered(this.#intervalFor(at, deadline), Math.random()),
      deadlineAt: new Date(deadline).toISOString(),
      ...(directives.length > 0 && { directives }),
    };
  }

  /** The interval may have grown since the deadline was set: what was promised stays in reach. */
  #intervalFor(at: number, deadline: number): number {
    const now = this.#options.pace.intervalMs();
    return deadline > at ? Math.min(now, intervalOf(deadline - at)) : now;
  }
}

/** A node that was given up and comes back may have other hardware: it is asked to look. */
const returning = ({ latest, liveness }: StoredRow): Directive[] =>
  latest && (liveness === 'offline' || liveness === 'unknown') ? [{ type: 'take_snapshot' }] : [];

type PointerTo = (index: number, field: string) => string;

/** A moment that PostgreSQL can surely store: one that it refused would fail everybody's heartbeats. */
function withMoment(heartbeat: HeartbeatInput, pointer: string): HeartbeatInput {
  if (!heartbeat.sentAt) return heartbeat;
  const sentAt = parseTimestamp(heartbeat.sentAt);
  if (sentAt === undefined) throw invalid(pointer, 'must be an RFC 3339 date and time');
  return { ...heartbeat, sentAt };
}

/** An agent speaks for one node, which its key names: no need to ask the database. */
function assertOwnNode(
  { principal }: RequestContext,
  heartbeats: readonly HeartbeatInput[],
  pointer: PointerTo,
) {
  if (principal.role !== 'agent') return;
  const foreign = heartbeats.findIndex(({ nodeId }) => nodeId !== principal.nodeId);
  if (foreign >= 0) throw foreignNode(pointer(foreign, 'nodeId'));
}

function assertKnown({ principal }: RequestContext, outcomes: Outcomes, pointer: PointerTo): void {
  const index = outcomes.findIndex(({ outcome }) => outcome === 'foreign');
  if (index < 0) return;
  throw (principal.role === 'provider' ? foreignNode : unknownNode)(pointer(index, 'nodeId'));
}
