import sql from 'sql-template-tag';
import type { Static } from 'typebox';
import type { RequestContext } from '../../../kernel/context.ts';
import { listPage, type Page, parseList } from '../../../kernel/db/list.ts';
import { patchRow } from '../../../kernel/db/patch.ts';
import type { Transaction } from '../../../kernel/db/transaction.ts';
import { forbidden, invalid, notFound } from '../../../kernel/errors.ts';
import { assertVersion, type IfMatch } from '../../../kernel/http/etag.ts';
import { newId } from '../../../kernel/ids.ts';
import type { Kernel } from '../../../module.ts';
import type { AccessApi } from '../../access/index.ts';
import { setGate } from '../blocks.ts';
import { deleteGpus, forgetSigns } from '../deletion.ts';
import type { GpuRegistry } from '../gpus/registry.ts';
import { setRegion } from '../nodes/region.ts';
import { insertNodes } from '../nodes/registration.ts';
import { toNode } from '../nodes/view.ts';
import { providers, visibleProviders } from './collection.ts';
import type { CreateProvider, PatchProvider, Register, Registered, RegisteredProvider } from './schemas.ts';
import { type ProviderRow, type ProviderView, providerColumns, toProvider } from './view.ts';

type CreateInput = Static<typeof CreateProvider>;

interface Options {
  kernel: Kernel;
  access: AccessApi;
  gpus: GpuRegistry;
}

export class ProviderService {
  readonly #options: Options;

  constructor(options: Options) {
    this.#options = options;
  }

  /** A provider with all nodes and GPUs of the request, or nothing. */
  create(ctx: RequestContext, input: CreateInput): Promise<Static<typeof RegisteredProvider>> {
    const { nodes, ...provider } = input;
    assertDistinctHostnames(nodes ?? []);
    return this.#options.gpus.withConflictFindings(ctx, () =>
      this.#options.kernel.db.write(ctx, async (tx) => {
        const row = await insertProvider(tx, provider);
        if (nodes === undefined) return toProvider(row, ctx.principal);
        const made = await this.#insertNodes(tx, ctx, row, nodes);
        return { ...toProvider(await readProvider(tx, row.id), ctx.principal), nodes: made };
      }),
    );
  }

  /** Self-registration: a provider that waits for an operator, and its key. */
  register(ctx: RequestContext, input: Static<typeof Register>): Promise<Static<typeof Registered>> {
    return this.#options.kernel.db.write(ctx, async (tx) => {
      const row = await insertProvider(tx, { ...input, lifecycle: 'pending' });
      const { key } = await this.#options.access.issueKey(tx, {
        name: row.name,
        role: 'provider',
        providerId: row.id,
        nodeId: null,
        tenantId: null,
        scopes: [],
        expiresAt: null,
        origin: 'registration',
      });
      return { provider: toProvider(row, { ...ctx.principal, role: 'provider' }), apiKey: key };
    });
  }

  async get({ principal }: RequestContext, id: string): Promise<ProviderView> {
    const row = await this.#options.kernel.db.row<ProviderRow>(sql`/* inventory:get_provider */
      SELECT ${providerColumns} FROM inventory.provider p WHERE p.id = ${id} AND ${visibleProviders(principal)}`);
    if (!row) throw notFound('provider');
    return toProvider(row, principal);
  }

  async list(
    { principal }: RequestContext,
    query: Record<string, unknown>,
  ): Promise<Page<Partial<ProviderView>>> {
    const { db, cursors } = this.#options.kernel;
    const request = parseList(providers, cursors, query, principal.providerId);
    return listPage<ProviderRow, ProviderView>(db, cursors, providers, request, {
      columns: providerColumns,
      from: sql`inventory.provider p`,
      visible: visibleProviders(principal),
      map: (row) => toProvider(row, principal),
    });
  }

  patch(
    ctx: RequestContext,
    id: string,
    ifMatch: IfMatch | null,
    patch: Static<typeof PatchProvider>,
  ): Promise<ProviderView> {
    if (patch.lifecycle !== undefined && ctx.principal.role !== 'operator') {
      throw forbidden('Only an operator decides about the lifecycle of a provider.');
    }
    return this.#options.kernel.db.write(ctx, async (tx) => {
      const row = await patchRow<ProviderRow>(tx, {
        resource: 'provider',
        lock: sql`/* inventory:lock_provider */
          SELECT ${providerColumns} FROM inventory.provider p
           WHERE p.id = ${id} AND ${visibleProviders(ctx.principal)} FOR NO KEY UPDATE OF p`,
        ifMatch,
        patch: normalised(patch),
        update: (next) => sql`/* inventory:update_provider */
          UPDATE inventory.provider p
             SET name = ${next.name}, email = ${next.email}, wallet_address = ${next.walletAddress}, kind = ${next.kind},
                 lifecycle = ${next.lifecycle}, region = ${next.region}, country = ${next.country},
                 labels = ${next.labels}, attributes = ${next.attributes}, public_key = ${next.publicKey},
                 version = version + 1, updated_at = inventory.moment_after(updated_at)
           WHERE p.id = ${id} RETURNING ${providerColumns}`,
        scope: () => ({ providerId: id }),
      });
      if (patch.region !== undefined) await inheritRegion(tx, row);
      if (patch.lifecycle !== undefined) {
        await setGate(tx, sql`s.provider_id = ${id}`, 'provider_not_active', row.lifecycle !== 'active');
      }
      tx.invalidate('providers', `provider:${id}`);
      return toProvider(await readProvider(tx, id), ctx.principal);
    });
  }

  /** Soft deletion with everything that belongs to it: nodes, GPUs, keys. Live allocations stand in its way. */
  delete(ctx: RequestContext, id: string, ifMatch: IfMatch | null): Promise<void> {
    return this.#options.kernel.db.write(ctx, async (tx) => {
      const provider = await tx.row<{ version: number }>(sql`
        SELECT p.version FROM inventory.provider p WHERE p.id = ${id} AND ${visibleProviders(ctx.principal)} FOR UPDATE`);
      if (!provider) throw notFound('provider');
      assertVersion(ifMatch, provider.version);
      await deleteGpus(tx, sql`s.provider_id = ${id}`, 'provider');
      const nodes = await tx.rows<{
        id: string;
        version: number;
      }>(sql`/* inventory:delete_nodes_of_provider */
        UPDATE inventory.node SET deleted_at = clock_timestamp(), version = version + 1,
               updated_at = inventory.moment_after(updated_at)
         WHERE provider_id = ${id} AND deleted_at IS NULL RETURNING id, version`);
      await forgetSigns(
        tx,
        nodes.map((node) => node.id),
      );
      await tx.execute(sql`/* inventory:delete_provider */
        UPDATE inventory.provider SET deleted_at = clock_timestamp(), version = version + 1,
               updated_at = inventory.moment_after(updated_at) WHERE id = ${id}`);
      await this.#options.access.revokeKeysOf(tx, { providerId: id });
      await tx.record(
        ...nodes.map((node) => ({
          type: 'node.deleted',
          subject: { type: 'node', id: node.id },
          version: node.version,
          providerId: id,
          nodeId: node.id,
        })),
        {
          type: 'provider.deleted',
          subject: { type: 'provider', id },
          version: provider.version + 1,
          providerId: id,
        },
      );
      tx.invalidate('providers', 'nodes', `provider:${id}`, ...nodes.map((node) => `node:${node.id}`));
    });
  }

  async #insertNodes(
    tx: Transaction,
    ctx: RequestContext,
    provider: ProviderRow,
    inputs: NonNullable<CreateInput['nodes']>,
  ) {
    const nodes = await insertNodes(tx, provider, inputs);
    const items = nodes.flatMap(({ id: nodeId }, index) =>
      (inputs[index]?.gpus ?? []).map((input, place) => ({
        nodeId,
        input,
        pointer: `/nodes/${index}/gpus/${place}`,
      })),
    );
    const gpus = await this.#options.gpus.register(tx, ctx, items);
    return nodes.map((node) => ({ ...toNode(node), gpus: gpus.filter(({ nodeId }) => nodeId === node.id) }));
  }
}

/** The provider with what its nodes and GPUs now say of it. */
const readProvider = async (tx: Transaction, id: string): Promise<ProviderRow> =>
  (await tx.row<ProviderRow>(
    sql`SELECT ${providerColumns} FROM inventory.provider p WHERE p.id = ${id}`,
  )) as ProviderRow;

type NewProvider = Omit<CreateInput, 'nodes'>;

async function insertProvider(tx: Transaction, input: NewProvider): Promise<ProviderRow> {
  const next = { ...normalised(input) };
  const row = (await tx.row<ProviderRow>(sql`/* inventory:insert_provider */
    INSERT INTO inventory.provider AS p (id, name, email, wallet_address, kind, lifecycle, region, country, labels,
                                         attributes, public_key)
    VALUES (${newId()}, ${next.name}, ${next.email}, ${next.walletAddress ?? null}, ${next.kind ?? 'individual'},
            ${next.lifecycle ?? 'active'}, ${next.region}, ${next.country ?? null}, ${next.labels ?? {}},
            ${next.attributes ?? {}}, ${next.publicKey ?? null})
    RETURNING ${providerColumns}`)) as ProviderRow;
  await tx.record({
    type: 'provider.created',
    subject: { type: 'provider', id: row.id },
    version: 1,
    diff: { after: next },
    providerId: row.id,
  });
  tx.invalidate('providers');
  return row;
}

/** Hexadecimal wallet addresses are the same in any case (EIP-55 uses case as a checksum only). */
const normalised = <Input extends { walletAddress?: string | null }>(input: Input): Input =>
  input.walletAddress && /^0x[0-9a-f]+$/i.test(input.walletAddress)
    ? { ...input, walletAddress: input.walletAddress.toLowerCase() }
    : input;

function assertDistinctHostnames(nodes: readonly { hostname: string }[]): void {
  const seen = new Set<string>();
  for (const [index, { hostname }] of nodes.entries()) {
    const key = hostname.toLowerCase();
    if (seen.has(key)) throw invalid(`/nodes/${index}/hostname`, 'is given twice');
    seen.add(key);
  }
}

/** Nodes without a region of their own are where their provider is, and so are their GPUs. */
async function inheritRegion(tx: Transaction, { id: providerId, region }: ProviderRow): Promise<void> {
  const moved = await tx.rows<{ id: string; version: number }>(sql`/* inventory:inherit_region */
    UPDATE inventory.node SET region = ${region}, version = version + 1, updated_at = inventory.moment_after(updated_at)
     WHERE provider_id = ${providerId} AND own_region IS NULL AND deleted_at IS NULL AND region <> ${region}
    RETURNING id, version`);
  const ids = moved.map(({ id }) => id);
  await setRegion(tx, ids, region);
  await tx.record(
    ...moved.map(({ id, version }) => ({
      type: 'node.updated',
      subject: { type: 'node', id },
      version,
      diff: { after: { region } },
      providerId,
      nodeId: id,
    })),
  );
  tx.invalidate('nodes', ...ids.map((id) => `node:${id}`));
}
