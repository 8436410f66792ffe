import sql, { type Sql } from 'sql-template-tag';
import type { Static } from 'typebox';
import type { RequestContext } from '../../kernel/context.ts';
import type { Database } from '../../kernel/db/database.ts';
import { listPage, type Page, parseList } from '../../kernel/db/list.ts';
import { patchRow } from '../../kernel/db/patch.ts';
import type { Queryable } from '../../kernel/db/transaction.ts';
import { notFound } from '../../kernel/errors.ts';
import type { CursorCodec } from '../../kernel/http/cursor.ts';
import type { IfMatch } from '../../kernel/http/etag.ts';
import { newId } from '../../kernel/ids.ts';
import type { Kernel } from '../../module.ts';
import { tenants } from './collections.ts';
import type { AccessPorts } from './ports.ts';
import { tenantColumns } from './queries.ts';
import type { CreateTenant, PatchTenant, Tenant } from './schemas.ts';

type TenantView = Static<typeof Tenant>;
/** The record alone: what a tenant uses is no part of it, and makes no version of it. */
type TenantRow = Omit<TenantView, 'usage'>;

export class TenantService {
  readonly #db: Database;
  readonly #cursors: CursorCodec;
  readonly #ports: AccessPorts;

  constructor({ db, cursors }: Pick<Kernel, 'db' | 'cursors'>, ports: AccessPorts) {
    this.#db = db;
    this.#cursors = cursors;
    this.#ports = ports;
  }

  create(ctx: RequestContext, input: Static<typeof CreateTenant>): Promise<TenantView> {
    const id = newId();
    return this.#db.write(ctx, async (tx) => {
      await tx.execute(sql`/* access:create_tenant */
        INSERT INTO inventory.tenant (id, name, quotas) VALUES (${id}, ${input.name}, ${input.quotas ?? null})`);
      const subject = { type: 'tenant', id };
      await tx.record({ type: 'tenant.created', subject, version: 1, diff: { after: input }, tenantId: id });
      return this.#read(tx, id);
    });
  }

  list(ctx: RequestContext, query: Record<string, unknown>): Promise<Page<Partial<TenantView>>> {
    const request = parseList(tenants, this.#cursors, query, null);
    return this.#db.read(ctx, (tx) =>
      listPage<TenantView>(tx, this.#cursors, tenants, request, {
        columns: this.#columns,
        from: sql`inventory.tenant t`,
        visible: sql`TRUE`,
      }),
    );
  }

  get(ctx: RequestContext, id: string): Promise<TenantView> {
    return this.#db.read(ctx, (tx) => this.#read(tx, id));
  }

  patch(
    ctx: RequestContext,
    id: string,
    ifMatch: IfMatch | null,
    input: Static<typeof PatchTenant>,
  ): Promise<TenantView> {
    return this.#db.write(ctx, async (tx) => {
      await patchRow<TenantRow>(tx, {
        resource: 'tenant',
        lock: sql`SELECT ${tenantColumns} FROM inventory.tenant t WHERE t.id = ${id} FOR NO KEY UPDATE`,
        ifMatch,
        patch: input,
        update: ({ name, quotas }) => sql`/* access:update_tenant */
          UPDATE inventory.tenant t SET name = ${name}, quotas = ${quotas}, version = version + 1,
                 updated_at = inventory.moment_after(updated_at)
           WHERE t.id = ${id} RETURNING ${tenantColumns}`,
        scope: () => ({ tenantId: id }),
      });
      return this.#read(tx, id);
    });
  }

  get #columns(): Sql {
    return sql`${tenantColumns}, ${this.#ports.usage} AS usage`;
  }

  async #read(db: Queryable, id: string): Promise<TenantView> {
    const [tenant] = await db.rows<TenantView>(
      sql`/* access:get_tenant */ SELECT ${this.#columns} FROM inventory.tenant t WHERE t.id = ${id}`,
    );
    if (!tenant) throw notFound('tenant');
    return tenant;
  }
}
