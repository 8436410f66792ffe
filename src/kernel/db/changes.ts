import sql, { type Sql } from 'sql-template-tag';
import { canonicalJson } from '../canonical-json.ts';
import type { RequestContext } from '../context.ts';

/** One committed change of one object: what audit, feed, history and subscriptions are made of. */
export interface Change {
  /** `gpu.allocated`: subject and past participle. */
  type: string;
  subject: { type: string; id: string };
  /** The version that this change made. */
  version: number;
  /** Only what changed; a created object has no `before`, a deleted one no `after`. */
  diff?: { before?: object; after?: object };
  reason?: string | null;
  providerId?: string | null;
  nodeId?: string | null;
  tenantId?: string | null;
}

/** Who changes things: a key with its request, or the service itself. */
export interface Actor {
  type: string;
  id: string | null;
  requestId: string | null;
}

/** Who a request's changes are put down to; on routes that need no key it is nobody by name. */
export const actorOf = ({ principal, requestId }: Pick<RequestContext, 'principal' | 'requestId'>): Actor =>
  principal.keyId === ''
    ? { type: 'anonymous', id: null, requestId }
    : { type: principal.role, id: principal.keyId, requestId };

/** Fields that every change changes: the change row says them by itself. */
const implied = new Set<PropertyKey>(['version', 'updatedAt']);

const comparable = (value: unknown): string =>
  canonicalJson(value instanceof Date ? value.toISOString() : value);

/** Whether a value says the same: the order of members does not count, nor how a moment is written. */
function same(before: unknown, after: unknown): boolean {
  if (before instanceof Date && typeof after === 'string') return before.getTime() === Date.parse(after);
  return comparable(before) === comparable(after);
}

/** What differs between two states of an object, by top-level field. */
export function diffOf<State extends object>(
  before: State,
  after: State,
): { before: Partial<State>; after: Partial<State> } {
  const keys = Object.keys(after) as (keyof State)[];
  const changed = keys.filter((key) => !implied.has(key) && !same(before[key], after[key]));
  const pick = (state: State) =>
    Object.fromEntries(changed.map((key) => [key, state[key]])) as Partial<State>;
  return { before: pick(before), after: pick(after) };
}

/** All changes of a transaction in one statement. */
export const insertChanges = (actor: Actor, changes: readonly Change[]): Sql => sql`/* core:record_changes */
  INSERT INTO inventory.change (type, subject_type, subject_id, version, actor_type, actor_id, request_id,
                                reason, diff, provider_id, node_id, tenant_id)
  SELECT c.type, c.subject_type, c.subject_id, c.version, ${actor.type}, ${actor.id}, ${actor.requestId},
         c.reason, c.diff, c.provider_id, c.node_id, c.tenant_id
    FROM jsonb_to_recordset(${JSON.stringify(changes.map(toRow))}::jsonb)
      AS c(type text, subject_type text, subject_id text, version bigint, reason text, diff jsonb,
           provider_id uuid, node_id uuid, tenant_id uuid)`;

const toRow = (change: Change) => ({
  type: change.type,
  subject_type: change.subject.type,
  subject_id: change.subject.id,
  version: change.version,
  reason: change.reason ?? null,
  diff: change.diff ?? {},
  provider_id: change.providerId ?? null,
  node_id: change.nodeId ?? null,
  tenant_id: change.tenantId ?? null,
});
