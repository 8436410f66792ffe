import sql, { type Sql } from 'sql-template-tag';
import type { Static } from 'typebox';
import type { RequestContext } from '../../../kernel/context.ts';
import { listPage, type Page, parseList } from '../../../kernel/db/list.ts';
import { patchRow } from '../../../kernel/db/patch.ts';
import type { Transaction } from '../../../kernel/db/transaction.ts';
import { invalid, notFound } from '../../../kernel/errors.ts';
import { assertVersion, type IfMatch } from '../../../kernel/http/etag.ts';
import type { Kernel } from '../../../module.ts';
import type { AccessApi } from '../../access/index.ts';
import { setGate } from '../blocks.ts';
import { deleteGpus, forgetSigns } from '../deletion.ts';
import { visibleProviders } from '../providers/collection.ts';
import { nodes, visibleNodes } from './collection.ts';
import { setRegion } from './region.ts';
import { insertNodes } from './registration.ts';
import type { CreateNode, DrainNode, PatchNode } from './schemas.ts';
import { type NodeRow, type NodeView, nodeColumns, toNode } from './view.ts';

type NodePatch = Omit<Static<typeof PatchNode>, 'region' | 'eligibility'> & {
  ownRegion?: string | null;
  eligibility?: NodeRow['eligibility'];
  drainDeadlineAt?: Date | null;
};

export class NodeService {
  readonly #kernel: Kernel;
  readonly #access: AccessApi;

  constructor(kernel: Kernel, access: AccessApi) {
    this.#kernel = kernel;
    this.#access = access;
  }

  create(ctx: RequestContext, { providerId, ...input }: Static<typeof CreateNode>): Promise<NodeView> {
    return this.#kernel.db.write(ctx, async (tx) => {
      // A shared lock: many nodes may join at once, while a change of their provider waits.
      const provider = await tx.row<{ id: string; region: string }>(sql`/* inventory:share_provider */
        SELECT p.id, p.region FROM inventory.provider p
         WHERE p.id = ${providerId} AND ${visibleProviders(ctx.principal)} FOR SHARE`);
      if (!provider) throw notFound('provider');
      const [node] = await insertNodes(tx, provider, [input]);
      return toNode(node as NodeRow);
    });
  }

  async get({ principal }: RequestContext, id: string): Promise<NodeView> {
    const row = await this.#kernel.db.row<NodeRow>(sql`/* inventory:get_node */
      SELECT ${nodeColumns} FROM inventory.node n WHERE n.id = ${id} AND ${visibleNodes(principal)}`);
    if (!row) throw notFound('node');
    return toNode(row);
  }

  async list(
    { principal }: RequestContext,
    query: Record<string, unknown>,
  ): Promise<Page<Partial<NodeView>>> {
    const { db, cursors } = this.#kernel;
    const request = parseList(nodes, cursors, query, principal.nodeId ?? principal.providerId);
    return listPage<NodeRow, NodeView>(db, cursors, nodes, request, {
      columns: nodeColumns,
      from: sql`inventory.node n`,
      visible: visibleNodes(principal),
      map: toNode,
    });
  }

  patch(
    ctx: RequestContext,
    id: string,
    ifMatch: IfMatch | null,
    patch: Static<typeof PatchNode>,
  ): Promise<NodeView> {
    const { region, ...rest } = patch;
    return this.#change(ctx, id, ifMatch, region === undefined ? rest : { ...rest, ownRegion: region });
  }

  /**
   * No new allocations; the ones that there are go on, at most until the deadline.
   *
   * @throws 400 where the deadline is given twice.
   */
  drain(
    ctx: RequestContext,
    id: string,
    ifMatch: IfMatch | null,
    { reason, ...deadline }: Static<typeof DrainNode>,
  ): Promise<NodeView> {
    const { deadlineAt, deadlineS } = deadline;
    if (deadlineAt !== undefined && deadlineS !== undefined)
      throw invalid('/deadlineS', 'must not be given beside deadlineAt');
    const drained = async (tx: Transaction): Promise<NodePatch> => ({
      eligibility: 'draining',
      drainDeadlineAt: deadlineAt === undefined ? await secondsFromNow(tx, deadlineS) : new Date(deadlineAt),
    });
    return this.#change(ctx, id, ifMatch, drained, reason);
  }

  delete(ctx: RequestContext, id: string, ifMatch: IfMatch | null): Promise<void> {
    return this.#kernel.db.write(ctx, async (tx) => {
      const node = await tx.row<{
        version: number;
        providerId: string;
      }>(sql`/* inventory:lock_node_to_delete */
        SELECT n.version, n.provider_id FROM inventory.node n
         WHERE n.id = ${id} AND ${visibleNodes(ctx.principal)} FOR UPDATE`);
      if (!node) throw notFound('node');
      assertVersion(ifMatch, node.version);
      await deleteGpus(tx, sql`s.node_id = ${id}`, 'node');
      await tx.execute(sql`/* inventory:delete_node */
        UPDATE inventory.node SET deleted_at = clock_timestamp(), version = version + 1,
               updated_at = inventory.moment_after(updated_at) WHERE id = ${id}`);
      await forgetSigns(tx, [id]);
      await this.#access.revokeKeysOf(tx, { nodeId: id });
      const { providerId } = node;
      await tx.record({
        type: 'node.deleted',
        subject: { type: 'node', id },
        version: node.version + 1,
        providerId,
        nodeId: id,
      });
      tx.invalidate('nodes', `node:${id}`, `provider:${providerId}`);
    });
  }

  #change(
    ctx: RequestContext,
    id: string,
    ifMatch: IfMatch | null,
    patch: NodePatch | ((tx: Transaction) => Promise<NodePatch>),
    reason?: string,
  ): Promise<NodeView> {
    return this.#kernel.db.write(ctx, async (tx) => {
      const row = await patchRow<NodeRow>(tx, {
        resource: 'node',
        lock: lockNode(id, visibleNodes(ctx.principal)),
        ifMatch,
        patch: typeof patch === 'function' ? await patch(tx) : patch,
        reason,
        update: updateNode,
        scope: ({ providerId }) => ({ providerId, nodeId: id }),
      });
      await showThroughGpus(tx, row);
      tx.invalidate('nodes', `node:${id}`, `provider:${row.providerId}`);
      return toNode(await readNode(tx, id));
    });
  }
}

/** By the database's clock; no deadline where no seconds are given. */
async function secondsFromNow(tx: Transaction, seconds: number | undefined): Promise<Date | null> {
  const row = await tx.row<{ at: Date | null }>(sql`/* inventory:drain_deadline */
    SELECT clock_timestamp() + make_interval(secs => ${seconds ?? null}::integer) AS at`);
  return row?.at ?? null;
}

/** The node with what its GPUs now say of it. */
const readNode = async (tx: Transaction, id: string): Promise<NodeRow> =>
  (await tx.row<NodeRow>(sql`SELECT ${nodeColumns} FROM inventory.node n WHERE n.id = ${id}`)) as NodeRow;

const lockNode = (id: string, visible: Sql): Sql => sql`/* inventory:lock_node */
  SELECT ${nodeColumns} FROM inventory.node n WHERE n.id = ${id} AND ${visible} FOR NO KEY UPDATE OF n`;

const updateNode = (next: NodeRow): Sql => sql`/* inventory:update_node */
  UPDATE inventory.node n
     SET hostname = ${next.hostname}, own_region = ${next.ownRegion},
         region = coalesce(${next.ownRegion}, (SELECT p.region FROM inventory.provider p WHERE p.id = n.provider_id)),
         zone = ${next.zone}, lifecycle = ${next.lifecycle}, eligibility = ${next.eligibility},
         drain_deadline_at = ${next.eligibility === 'draining' ? next.drainDeadlineAt : null},
         cleaning_required = ${next.cleaningRequired}, labels = ${next.labels}, system = ${next.system},
         version = version + 1, updated_at = inventory.moment_after(updated_at)
   WHERE n.id = ${next.id} RETURNING ${nodeColumns}`;

/** What people decide about a node counts for its GPUs from the same commit on. */
async function showThroughGpus(tx: Transaction, node: NodeRow): Promise<void> {
  const gpus = sql`s.node_id = ${node.id}`;
  await setGate(tx, gpus, 'node_not_active', node.lifecycle !== 'active');
  await setGate(tx, gpus, 'node_ineligible', node.eligibility === 'ineligible');
  await setGate(tx, gpus, 'node_draining', node.eligibility === 'draining');
  await setRegion(tx, [node.id], node.region);
}
