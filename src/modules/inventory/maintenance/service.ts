import sql from 'sql-template-tag';
import type { Principal, RequestContext } from '../../../kernel/context.ts';
import { listPage, type Page, parseList } from '../../../kernel/db/list.ts';
import { patchRow } from '../../../kernel/db/patch.ts';
import type { Transaction } from '../../../kernel/db/transaction.ts';
import { invalid, notFound } from '../../../kernel/errors.ts';
import { assertVersion, type IfMatch } from '../../../kernel/http/etag.ts';
import { parseTimestamp } from '../../../kernel/http/timestamp.ts';
import type { Kernel } from '../../../module.ts';
import type { InventoryPorts } from '../ports.ts';
import { maintenanceWindows, visibleWindows, windowColumns } from './collection.ts';
import { faultOf, goTogether, type WindowRules } from './domain.ts';
import { emergencyLimit, windowExists, windowOver } from './errors.ts';
import { notify } from './notices.ts';
import type { CreateMaintenanceWindow, MaintenanceWindow, PatchMaintenanceWindow } from './schemas.ts';
import { lockNodeScope, lockProviderScope, type WindowScope } from './scope.ts';
import {
  advance,
  endWindow,
  insertWindow,
  lockWindow,
  makeWay,
  moveWindow,
  recentEmergencies,
  showOnGpus,
  standingWindows,
  waitingNodes,
} from './store.ts';

interface Options {
  kernel: Pick<Kernel, 'db' | 'cursors'>;
  /** Filled in by the module that keeps the ledger. */
  ports: InventoryPorts;
  rules: WindowRules & { emergencyLimit: number };
}

/**
 * Maintenance that people announce. A window lies on the GPUs of its nodes from the commit that announces it; that it
 * begins and ends needs no writer. Locks go from provider to nodes to GPUs, as everywhere.
 */
export class MaintenanceService {
  readonly #options: Options;

  constructor(options: Options) {
    this.#options = options;
  }

  create(ctx: RequestContext, input: CreateMaintenanceWindow): Promise<MaintenanceWindow> {
    return this.#options.kernel.db.write(ctx, async (tx) => {
      const scope = await lockScope(tx, ctx.principal, input);
      const { kind, reason = null } = input;
      const now = await clock(tx);
      const endsAt = momentOf(input.endsAt, '/endsAt');
      const startsAt = input.startsAt === undefined ? now : momentOf(input.startsAt, '/startsAt');
      const window = { kind, reason, startsAt, endsAt };
      this.#assertAllowed(window, null, now);
      await advance(tx, scope);
      assertRoom(window, await standingWindows(tx, scope));
      if (kind === 'emergency') {
        await this.#assertFewEmergencies(tx, scope);
        await makeWay(tx, scope);
      }
      const announced = await insertWindow(tx, scope, window);
      await tx.record({
        type: 'maintenance_window.announced',
        subject: { type: 'maintenance_window', id: announced.id },
        version: 1,
        diff: { after: { ...window, nodeId: scope.nodeId } },
        reason,
        ...concernOf(announced),
      });
      await this.#show(tx, scope, announced, 'announced');
      return announced;
    });
  }

  async get(ctx: RequestContext, id: string): Promise<MaintenanceWindow> {
    const [window] = await this.#options.kernel.db.read(ctx, (tx) =>
      tx.rows<MaintenanceWindow>(sql`/* inventory:get_maintenance_window */
        SELECT ${windowColumns} FROM inventory.maintenance_window w WHERE w.id = ${id} AND ${visibleWindows(ctx.principal)}`),
    );
    if (!window) throw notFound('maintenance_window');
    return window;
  }

  list(ctx: RequestContext, query: Record<string, unknown>): Promise<Page<Partial<MaintenanceWindow>>> {
    const { db, cursors } = this.#options.kernel;
    const { principal } = ctx;
    const owner = principal.tenantId ?? principal.nodeId ?? principal.providerId;
    const request = parseList(maintenanceWindows, cursors, query, owner);
    return db.read(ctx, (tx) =>
      listPage<MaintenanceWindow>(tx, cursors, maintenanceWindows, request, {
        columns: windowColumns,
        from: sql`inventory.maintenance_window w`,
        visible: visibleWindows(principal),
      }),
    );
  }

  patch(
    ctx: RequestContext,
    id: string,
    ifMatch: IfMatch | null,
    input: PatchMaintenanceWindow,
  ): Promise<MaintenanceWindow> {
    const patch = { ...input, ...momentsOf(input) };
    return this.#options.kernel.db.write(ctx, async (tx) => {
      const scope = await lockScopeOf(tx, ctx.principal, id);
      const now = await clock(tx);
      const others = (await standingWindows(tx, scope)).filter((other) => other.id !== id);
      const window = await patchRow<MaintenanceWindow>(tx, {
        resource: 'maintenance_window',
        lock: lockWindow(id, visibleWindows(ctx.principal)),
        ifMatch,
        patch,
        check: (next, current) => {
          this.#assertAllowed(intervalOf(next), intervalOf(current), now);
          assertRoom(intervalOf(next), others);
        },
        update: ({ startsAt, endsAt, reason }) => sql`/* inventory:update_maintenance_window */
          UPDATE inventory.maintenance_window w SET starts_at = ${startsAt}, ends_at = ${endsAt}, reason = ${reason},
                 version = version + 1, updated_at = inventory.moment_after(updated_at)
           WHERE w.id = ${id} RETURNING ${windowColumns}`,
        scope: concernOf,
      });
      if (tx.changes.length === 0) return window;
      await moveWindow(tx, id, intervalOf(window));
      await this.#show(tx, scope, window, 'changed');
      return window;
    });
  }

  /** Calls it off: one that has begun ends now. */
  cancel(ctx: RequestContext, id: string, ifMatch: IfMatch | null): Promise<void> {
    return this.#options.kernel.db.write(ctx, async (tx) => {
      const scope = await lockScopeOf(tx, ctx.principal, id);
      const window = await tx.row<MaintenanceWindow>(lockWindow(id, visibleWindows(ctx.principal)));
      if (!window) throw notFound('maintenance_window');
      assertVersion(ifMatch, window.version);
      if (window.state === 'ended') throw windowOver();
      await endWindow(tx, id);
      await tx.execute(sql`/* inventory:cancel_maintenance_window */
        UPDATE inventory.maintenance_window SET open = false, deleted_at = clock_timestamp(), version = version + 1,
               updated_at = inventory.moment_after(updated_at) WHERE id = ${id}`);
      await tx.record({
        type: 'maintenance_window.cancelled',
        subject: { type: 'maintenance_window', id },
        version: window.version + 1,
        ...concernOf(window),
      });
      await advance(tx, scope);
      await this.#show(tx, scope, window, 'cancelled');
    });
  }

  /** Lets planned windows take their place whose emergency is over. */
  async bringBack(): Promise<void> {
    const { db } = this.#options.kernel;
    const waiting = await waitingNodes(db, waitingAtOnce);
    for (const providerId of new Set(waiting.map((node) => node.providerId))) {
      const nodeIds = waiting.filter((node) => node.providerId === providerId).map(({ nodeId }) => nodeId);
      await db.write({ worker: 'inventory.maintenance' }, async (tx) => {
        await tx.execute(sql`/* inventory:lock_waiting_nodes */
          SELECT FROM inventory.node n WHERE n.id = ANY(${nodeIds}::uuid[]) ORDER BY n.id FOR NO KEY UPDATE`);
        await advance(tx, { providerId, nodeIds });
        await showOnGpus(tx, nodeIds);
        tx.invalidate('nodes', `provider:${providerId}`, ...nodeIds.map((id) => `node:${id}`));
      });
    }
  }

  #assertAllowed(
    next: { kind: MaintenanceWindow['kind']; startsAt: Date; endsAt: Date },
    before: { startsAt: Date; endsAt: Date } | null,
    now: Date,
  ): void {
    if (before && before.endsAt <= now) throw windowOver();
    const fault = faultOf(next.kind, next, before, now, this.#options.rules);
    if (fault) throw invalid(`/${fault.field}`, fault.detail);
  }

  async #assertFewEmergencies(tx: Transaction, { nodeIds }: WindowScope): Promise<void> {
    const { emergencyLimit: limit } = this.#options.rules;
    if ((await recentEmergencies(tx, nodeIds)) >= limit) throw emergencyLimit(limit);
  }

  /** On the GPUs, and to whoever uses them. */
  async #show(
    tx: Transaction,
    { providerId, nodeIds }: WindowScope,
    window: MaintenanceWindow,
    verb: 'announced' | 'changed' | 'cancelled',
  ): Promise<void> {
    const used = await showOnGpus(tx, nodeIds);
    await notify(tx, this.#options.ports, window, verb, used);
    tx.invalidate('nodes', `provider:${providerId}`, ...nodeIds.map((id) => `node:${id}`));
  }
}

/** Nodes that are looked after in one run; the next one goes on. */
const waitingAtOnce = 500;

/** @throws 409 `maintenance_window.exists` naming those of the others that it cannot stand beside. */
function assertRoom(window: Parameters<typeof goTogether>[0], others: readonly MaintenanceWindow[]): void {
  const inTheWay = others.filter((other) => !goTogether(window, intervalOf(other)));
  if (inTheWay.length > 0) throw windowExists(inTheWay.map(({ id }) => id));
}

const concernOf = ({ providerId, nodeId }: Pick<MaintenanceWindow, 'providerId' | 'nodeId'>) => ({
  providerId,
  nodeId,
});

/** What the input names: one node, or a provider with all of its nodes. */
function lockScope(
  tx: Transaction,
  principal: Principal,
  { nodeId, providerId }: CreateMaintenanceWindow,
): Promise<WindowScope> {
  if (nodeId !== undefined && providerId !== undefined)
    throw invalid('/providerId', 'does not go with `nodeId`');
  if (nodeId !== undefined) return lockNodeScope(tx, principal, nodeId);
  const provider = providerId ?? principal.providerId;
  if (!provider) throw invalid('/nodeId', 'is needed where there is no `providerId`');
  return lockProviderScope(tx, principal, provider);
}

/** The nodes of a window that there is, locked before the window itself; what it is for never changes. */
async function lockScopeOf(tx: Transaction, principal: Principal, id: string): Promise<WindowScope> {
  const window = await tx.row<{ providerId: string; nodeId: string | null }>(sql`
    SELECT w.provider_id, w.node_id FROM inventory.maintenance_window w WHERE w.id = ${id} AND ${visibleWindows(principal)}`);
  if (!window) throw notFound('maintenance_window');
  const { providerId, nodeId } = window;
  return nodeId === null
    ? lockProviderScope(tx, principal, providerId)
    : lockNodeScope(tx, principal, nodeId);
}

async function clock(tx: Transaction): Promise<Date> {
  const row = await tx.row<{ at: Date }>(sql`/* inventory:clock */ SELECT clock_timestamp() AS at`);
  return row?.at as Date;
}

/** @throws 400 naming the field, for what PostgreSQL would refuse. */
function momentOf(given: Date | string, pointer: string): Date {
  const parsed = parseTimestamp(String(given));
  if (parsed === undefined) throw invalid(pointer, 'must be an RFC 3339 date and time');
  return new Date(parsed);
}

const momentsOf = ({ startsAt, endsAt }: PatchMaintenanceWindow) => ({
  ...(startsAt === undefined ? {} : { startsAt: momentOf(startsAt, '/startsAt') }),
  ...(endsAt === undefined ? {} : { endsAt: momentOf(endsAt, '/endsAt') }),
});

const intervalOf = ({ kind, startsAt, endsAt }: MaintenanceWindow) => ({
  kind,
  startsAt: new Date(startsAt),
  endsAt: new Date(endsAt),
});
