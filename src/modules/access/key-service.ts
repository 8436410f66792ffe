import sql, { type Sql } from 'sql-template-tag';
import type { Static } from 'typebox';
import type { Principal, RequestContext, Role } from '../../kernel/context.ts';
import type { Database } from '../../kernel/db/database.ts';
import { listPage, type Page, parseList } from '../../kernel/db/list.ts';
import { patchRow } from '../../kernel/db/patch.ts';
import type { Transaction } from '../../kernel/db/transaction.ts';
import { AppError, forbidden, invalid, notFound } from '../../kernel/errors.ts';
import type { CursorCodec } from '../../kernel/http/cursor.ts';
import { assertVersion, type IfMatch } from '../../kernel/http/etag.ts';
import { newId } from '../../kernel/ids.ts';
import type { Kernel } from '../../module.ts';
import { digestOf, generateKey, hintOf, lookupOf } from './api-key.ts';
import { apiKeys } from './collections.ts';
import { type Permission, roleMay } from './permissions.ts';
import { keyColumns, visibleKeys } from './queries.ts';
import type { ApiKey, ApiKeyWithSecret, CreateApiKey, PatchApiKey, RotateApiKey } from './schemas.ts';

type Key = Static<typeof ApiKey>;
type KeyWithSecret = Static<typeof ApiKeyWithSecret>;
type CreateInput = Static<typeof CreateApiKey>;

export interface NewKey {
  name: string;
  role: Role;
  providerId: string | null;
  nodeId: string | null;
  tenantId: string | null;
  scopes: readonly string[];
  expiresAt: Date | string | null;
  origin: 'issued' | 'enrollment' | 'registration';
  rotatedFrom?: string;
}

/** Stores a new key and returns it with its secret, which nobody can read again. */
export async function issueKey(tx: Transaction, pepper: string, input: NewKey): Promise<KeyWithSecret> {
  const key = generateKey(input.role === 'agent' ? 'agent' : 'live');
  const [row] = await tx.rows<Key>(sql`/* access:issue_key */
    INSERT INTO inventory.api_key AS k (id, lookup, digest, hint, name, role, provider_id, node_id, tenant_id, scopes,
                                        expires_at, origin, rotated_from)
    VALUES (${newId()}, ${lookupOf(key)}, ${digestOf(key, pepper)}, ${hintOf(key)}, ${input.name}, ${input.role},
            ${input.providerId}, ${input.nodeId}, ${input.tenantId}, ${input.scopes}, ${input.expiresAt},
            ${input.origin}, ${input.rotatedFrom ?? null})
    RETURNING ${keyColumns}`);
  const stored = row as Key;
  await recordKey(tx, 'created', stored, {
    after: { name: stored.name, role: stored.role, scopes: stored.scopes },
  });
  return { ...stored, key };
}

/** Revokes every key that belongs to a provider or node that goes. */
export async function revokeKeysOf(
  tx: Transaction,
  owner: { providerId: string } | { nodeId: string },
): Promise<void> {
  const mine =
    'nodeId' in owner ? sql`k.node_id = ${owner.nodeId}` : sql`k.provider_id = ${owner.providerId}`;
  const revoked = await tx.rows<Key>(sql`/* access:revoke_keys_of */
    UPDATE inventory.api_key k SET revoked_at = inventory.moment_after(updated_at),
           updated_at = inventory.moment_after(updated_at), version = version + 1
     WHERE ${mine} AND k.revoked_at IS NULL RETURNING ${keyColumns}`);
  for (const key of revoked) await recordKey(tx, 'revoked', key);
}

const recordKey = (
  tx: Transaction,
  verb: 'created' | 'rotated' | 'revoked',
  key: Key,
  diff: { after?: object } = {},
): Promise<void> =>
  tx.record({
    type: `api_key.${verb}`,
    subject: { type: 'api_key', id: key.id },
    version: key.version,
    diff,
    ...ownerOf(key),
  });

const ownerOf = ({ providerId, nodeId, tenantId }: Key) => ({ providerId, nodeId, tenantId });

const lockKey = (ctx: RequestContext, id: string): Sql => sql`/* access:lock_key */
  SELECT ${keyColumns} FROM inventory.api_key k
   WHERE k.id = ${id} AND ${visibleKeys(ctx.principal.providerId)} FOR NO KEY UPDATE`;

function assertScopes(role: Role, scopes: readonly Permission[]): void {
  const foreign = scopes.find((scope) => !roleMay(role, scope));
  if (foreign) throw invalid('/scopes', `role ${role} has no permission ${foreign}`);
}

/**
 * Nobody gives away more than they have: whoever is limited to scopes makes keys within these alone.
 *
 * @throws 403 `auth.forbidden`.
 */
function assertWithin({ scopes: own }: Principal, given: readonly Permission[]): void {
  if (own.length === 0) return;
  const within = given.length > 0 && given.every((scope) => own.includes(scope));
  if (!within)
    throw forbidden(`This key is limited to ${own.join(', ')}: a key that it makes names some of these.`);
}

/** A rotated key lives as long as the old one was made for. */
const renewedExpiry = ({ createdAt, expiresAt }: Key): Date | null =>
  expiresAt === null
    ? null
    : new Date(Date.now() + Number(new Date(expiresAt)) - Number(new Date(createdAt)));

const required = (input: CreateInput, field: OwnerField): string =>
  input[field] ?? missing(input.role, field);

const missing = (role: Role, field: string): never => {
  throw invalid(`/${field}`, `is required for role ${role}`);
};

/** Who the key belongs to, by its role; naming any other owner is refused rather than ignored. */
type OwnerField = 'providerId' | 'nodeId' | 'tenantId';
const ownerFieldOf: Partial<Record<Role, OwnerField>> = {
  provider: 'providerId',
  agent: 'nodeId',
  tenant: 'tenantId',
};

function ownerField(input: CreateInput): OwnerField | null {
  const field = ownerFieldOf[input.role] ?? null;
  for (const other of ['providerId', 'nodeId', 'tenantId'] as const) {
    const allowed = other === field || (input.role === 'agent' && other === 'providerId');
    if (!allowed && input[other]) throw invalid(`/${other}`, `does not go with role ${input.role}`);
  }
  return field;
}

export class KeyService {
  readonly #db: Database;
  readonly #cursors: CursorCodec;
  readonly #pepper: string;

  constructor({ db, cursors }: Pick<Kernel, 'db' | 'cursors'>, pepper: string) {
    this.#db = db;
    this.#cursors = cursors;
    this.#pepper = pepper;
  }

  create(ctx: RequestContext, input: CreateInput): Promise<KeyWithSecret> {
    if (ctx.principal.role === 'provider' && input.role !== 'agent') {
      throw forbidden('A provider makes keys of its own agents only.');
    }
    assertScopes(input.role, input.scopes ?? []);
    assertWithin(ctx.principal, input.scopes ?? []);
    if (input.expiresAt && new Date(input.expiresAt) <= new Date())
      throw invalid('/expiresAt', 'lies in the past');
    return this.#db.write(ctx, async (tx) => {
      const owner = await this.#owner(tx, ctx, input);
      return issueKey(tx, this.#pepper, {
        name: input.name,
        role: input.role,
        ...owner,
        scopes: input.scopes ?? [],
        expiresAt: input.expiresAt ?? null,
        origin: 'issued',
      });
    });
  }

  list({ principal }: RequestContext, query: Record<string, unknown>): Promise<Page<Partial<Key>>> {
    const request = parseList(apiKeys, this.#cursors, query, principal.providerId);
    return listPage<Key>(this.#db, this.#cursors, apiKeys, request, {
      columns: keyColumns,
      from: sql`inventory.api_key k`,
      visible: visibleKeys(principal.providerId),
    });
  }

  patch(
    ctx: RequestContext,
    id: string,
    ifMatch: IfMatch | null,
    input: Static<typeof PatchApiKey>,
  ): Promise<Key> {
    if (input.scopes) assertWithin(ctx.principal, input.scopes);
    return this.#db.write(ctx, (tx) =>
      patchRow<Key>(tx, {
        resource: 'api_key',
        lock: lockKey(ctx, id),
        ifMatch,
        patch: input,
        check: ({ role, scopes }) => assertScopes(role, scopes),
        update: ({ name, scopes, disabled, expiresAt }) => sql`/* access:update_key */
          UPDATE inventory.api_key k SET name = ${name}, scopes = ${scopes}, disabled = ${disabled},
                 expires_at = ${expiresAt}, version = version + 1, updated_at = inventory.moment_after(updated_at)
           WHERE k.id = ${id} RETURNING ${keyColumns}`,
        scope: ownerOf,
      }),
    );
  }

  revoke(ctx: RequestContext, id: string, ifMatch: IfMatch | null): Promise<void> {
    return this.#db.write(ctx, async (tx) => {
      await this.#lock(tx, ctx, id, ifMatch);
      const revoked = (await tx.row<Key>(sql`/* access:revoke_key */
        UPDATE inventory.api_key k SET revoked_at = inventory.moment_after(updated_at),
               updated_at = inventory.moment_after(updated_at), version = version + 1
         WHERE k.id = ${id} RETURNING ${keyColumns}`)) as Key;
      await recordKey(tx, 'revoked', revoked);
    });
  }

  /** A new key with the same rights; the old one works until the overlap ends. */
  rotate(
    ctx: RequestContext,
    id: string,
    ifMatch: IfMatch | null,
    { overlapS = 3600 }: Static<typeof RotateApiKey>,
  ): Promise<KeyWithSecret> {
    return this.#db.write(ctx, async (tx) => {
      const old = await this.#lock(tx, ctx, id, ifMatch);
      if (ctx.principal.role === 'provider' && old.role !== 'agent') {
        throw forbidden('A provider rotates keys of its own agents only.');
      }
      assertWithin(ctx.principal, old.scopes);
      const rotated = (await tx.row<Key>(sql`/* access:rotate_key */
        UPDATE inventory.api_key k
           SET expires_at = least(expires_at, clock_timestamp() + make_interval(secs => ${overlapS}::integer)),
               version = version + 1, updated_at = inventory.moment_after(updated_at)
         WHERE k.id = ${id} RETURNING ${keyColumns}`)) as Key;
      await recordKey(tx, 'rotated', rotated, { after: { expiresAt: rotated.expiresAt } });
      return issueKey(tx, this.#pepper, {
        ...old,
        expiresAt: renewedExpiry(old),
        origin: 'issued',
        rotatedFrom: id,
      });
    });
  }

  async #lock(tx: Transaction, ctx: RequestContext, id: string, ifMatch: IfMatch | null): Promise<Key> {
    const key = await tx.row<Key>(lockKey(ctx, id));
    if (!key) throw notFound('api_key');
    assertVersion(ifMatch, key.version);
    return key;
  }

  /** Whom the key will belong to, locked: who is being deleted gets no more keys. */
  async #owner(tx: Transaction, ctx: RequestContext, input: CreateInput) {
    const field = ownerField(input);
    const none = { providerId: null, nodeId: null, tenantId: null };
    if (field === null) return none;
    const id = required(input, field);
    if (field === 'nodeId') return { ...none, nodeId: id, providerId: await this.#providerOf(tx, ctx, id) };
    const table =
      field === 'tenantId'
        ? sql`inventory.tenant WHERE`
        : sql`inventory.provider WHERE deleted_at IS NULL AND`;
    if (!(await tx.row(sql`SELECT FROM ${table} id = ${id} FOR SHARE`))) {
      throw new AppError(
        404,
        `${field === 'tenantId' ? 'tenant' : 'provider'}.not_found`,
        `No such ${field}.`,
      );
    }
    return { ...none, [field]: id };
  }

  async #providerOf(tx: Transaction, ctx: RequestContext, nodeId: string): Promise<string> {
    const node = await tx.row<{ providerId: string }>(
      sql`SELECT provider_id FROM inventory.node WHERE id = ${nodeId} AND deleted_at IS NULL FOR SHARE`,
    );
    const own = ctx.principal.role !== 'provider' || node?.providerId === ctx.principal.providerId;
    if (!node || !own) throw notFound('node');
    return node.providerId;
  }
}
