import sql from 'sql-template-tag';
import type { Static } from 'typebox';
import type { RequestContext } from '../../kernel/context.ts';
import { listPage, type Page, parseList } from '../../kernel/db/list.ts';
import { invalid } from '../../kernel/errors.ts';
import { parseTimestamp } from '../../kernel/http/timestamp.ts';
import { newId } from '../../kernel/ids.ts';
import type { Kernel } from '../../module.ts';
import { lockGpu, lockNode } from '../inventory/index.ts';
import { assess, checkKey } from './assessment.ts';
import { healthChecks } from './collections.ts';
import { healthOf } from './domain.ts';
import {
  applyCheck,
  checkColumns,
  checkStates,
  type HealthCheckRow,
  insertCheck,
  isAhead,
  visibleChecks,
} from './queries.ts';
import type { CreateHealthCheck } from './schemas.ts';
import { setHealth } from './transitions.ts';

type Input = Static<typeof CreateHealthCheck>;

export class HealthService {
  readonly #kernel: Pick<Kernel, 'db' | 'cursors'>;

  constructor(kernel: Pick<Kernel, 'db' | 'cursors'>) {
    this.#kernel = kernel;
  }

  /**
   * Stores one observation and what follows from it for its GPU or node, whose row lock puts observations in order.
   * Checks are their own record: there is an event for each transition of health, none for each check.
   *
   * @throws 400 naming the field; 404 `gpu.not_found`, `node.not_found`.
   */
  record(ctx: RequestContext, input: Input): Promise<HealthCheckRow> {
    const { gpuId, subjectId } = subjectOf(input);
    assertPlausible(input);
    const observedAt = readObservedAt(input);
    return this.#kernel.db.write(ctx, async (tx) => {
      if (observedAt !== null && (await isAhead(tx, observedAt))) {
        throw invalid('/observedAt', 'must not be more than 5 minutes in the future');
      }
      const lock = gpuId === null ? lockNode : lockGpu;
      const subject = await lock(tx, ctx.principal, subjectId);
      const check = await insertCheck(tx, {
        id: newId(),
        gpuId,
        nodeId: subject.nodeId,
        providerId: subject.providerId,
        check: input.check,
        outcome: input.outcome,
        ...assess(input),
        code: input.code ?? null,
        message: input.message ?? null,
        underLoad: input.underLoad ?? false,
        observedAt,
        source: `${ctx.principal.role}:${ctx.principal.keyId}`,
        raw: input.raw ?? null,
      });
      await applyCheck(tx, subject.id, checkKey(input.check), check.id);
      await setHealth(tx, subject, healthOf(await checkStates(tx, subject.id)), reasonOf(check));
      return check;
    });
  }

  list(
    { principal }: RequestContext,
    query: Record<string, unknown>,
  ): Promise<Page<Partial<HealthCheckRow>>> {
    const { db, cursors } = this.#kernel;
    const request = parseList(healthChecks, cursors, query, principal.nodeId ?? principal.providerId);
    return listPage<HealthCheckRow>(db, cursors, healthChecks, request, {
      columns: checkColumns,
      from: sql`inventory.health_check h`,
      visible: visibleChecks(principal),
    });
  }
}

/** Why health changed, in the words of the check that did it: `xid 79 failed: GPU has fallen off the bus`. */
const reasonOf = ({ check, code, outcome, message }: HealthCheckRow): string =>
  [[check, code, outcome].filter((word) => word !== null).join(' '), message]
    .filter((part) => part !== null)
    .join(': ');

/** A check is about one GPU or about one node. */
function subjectOf({ gpuId, nodeId }: Input): { gpuId: string | null; subjectId: string } {
  if (gpuId !== undefined && nodeId !== undefined) throw invalid('/nodeId', 'must not be given beside gpuId');
  const subjectId = gpuId ?? nodeId;
  if (subjectId === undefined) throw invalid('/gpuId', 'is required, unless nodeId is given');
  return { gpuId: gpuId ?? null, subjectId };
}

const maxRawBytes = 16_384;

function assertPlausible({ fatal, outcome, raw }: Input): void {
  if (fatal && outcome !== 'failed') throw invalid('/fatal', 'goes with outcome failed only');
  if (raw && Buffer.byteLength(JSON.stringify(raw)) > maxRawBytes) {
    throw invalid('/raw', `must be at most ${maxRawBytes} bytes as JSON`);
  }
}

/** To the microsecond and in UTC; null where the moment of arrival counts. */
function readObservedAt({ observedAt }: Input): string | null {
  if (observedAt === undefined) return null;
  const moment = parseTimestamp(String(observedAt));
  if (moment === undefined) throw invalid('/observedAt', 'must be an RFC 3339 date and time');
  return moment;
}
