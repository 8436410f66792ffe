import sql from 'sql-template-tag';
import type { Static } from 'typebox';
import type { RequestContext } from '../../kernel/context.ts';
import type { Database } from '../../kernel/db/database.ts';
import { listPage, type Page, parseList } from '../../kernel/db/list.ts';
import { patchRow } from '../../kernel/db/patch.ts';
import { notFound } from '../../kernel/errors.ts';
import type { CursorCodec } from '../../kernel/http/cursor.ts';
import type { IfMatch } from '../../kernel/http/etag.ts';
import { newId } from '../../kernel/ids.ts';
import type { Kernel } from '../../module.ts';
import { tenants } from './collections.ts';
import { tenantColumns } from './queries.ts';
import type { CreateTenant, PatchTenant, Tenant } from './schemas.ts';

type TenantRow = Static<typeof Tenant>;

export class TenantService {
  readonly #db: Database;
  readonly #cursors: CursorCodec;

  constructor({ db, cursors }: Pick<Kernel, 'db' | 'cursors'>) {
    this.#db = db;
    this.#cursors = cursors;
  }

  create(ctx: RequestContext, input: Static<typeof CreateTenant>): Promise<TenantRow> {
    return this.#db.write(ctx, async (tx) => {
      const tenant = (await tx.row<TenantRow>(sql`/* access:create_tenant */
        INSERT INTO inventory.tenant AS t (id, name, quotas) VALUES (${newId()}, ${input.name}, ${input.quotas ?? null})
        RETURNING ${tenantColumns}`)) as TenantRow;
      const subject = { type: 'tenant', id: tenant.id };
      await tx.record({
        type: 'tenant.created',
        subject,
        version: 1,
        diff: { after: input },
        tenantId: tenant.id,
      });
      return tenant;
    });
  }

  list(query: Record<string, unknown>): Promise<Page<Partial<TenantRow>>> {
    const request = parseList(tenants, this.#cursors, query, null);
    return listPage<TenantRow>(this.#db, this.#cursors, tenants, request, {
      columns: tenantColumns,
      from: sql`inventory.tenant t`,
      visible: sql`TRUE`,
    });
  }

  async get(id: string): Promise<TenantRow> {
    const tenant = await this.#db.row<TenantRow>(
      sql`/* access:get_tenant */ SELECT ${tenantColumns} FROM inventory.tenant t WHERE t.id = ${id}`,
    );
    if (!tenant) throw notFound('tenant');
    return tenant;
  }

  patch(
    ctx: RequestContext,
    id: string,
    ifMatch: IfMatch | null,
    input: Static<typeof PatchTenant>,
  ): Promise<TenantRow> {
    return this.#db.write(ctx, (tx) =>
      patchRow<TenantRow>(tx, {
        resource: 'tenant',
        lock: sql`SELECT ${tenantColumns} FROM inventory.tenant t WHERE t.id = ${id} FOR NO KEY UPDATE`,
        ifMatch,
        patch: input,
        update: ({ name, quotas }) => sql`/* access:update_tenant */
          UPDATE inventory.tenant t SET name = ${name}, quotas = ${quotas}, version = version + 1,
                 updated_at = inventory.moment_after(updated_at)
           WHERE t.id = ${id} RETURNING ${tenantColumns}`,
        scope: () => ({ tenantId: id }),
      }),
    );
  }
}
