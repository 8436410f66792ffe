import sql from 'sql-template-tag';
import type { RequestContext } from '../../kernel/context.ts';
import { listPage, type Page, parseList } from '../../kernel/db/list.ts';
import { notFound } from '../../kernel/errors.ts';
import type { Kernel } from '../../module.ts';
import { verifications } from './collection.ts';
import { columns, listColumns, shownTo, type VerificationView, visibleVerifications } from './queries.ts';

type Listed = Omit<VerificationView, 'evidence'>;

/** Reads of verifications: the history of each GPU stays. */
export class VerificationService {
  readonly #kernel: Pick<Kernel, 'db' | 'cursors'>;

  constructor(kernel: Pick<Kernel, 'db' | 'cursors'>) {
    this.#kernel = kernel;
  }

  async get({ principal }: RequestContext, id: string): Promise<VerificationView> {
    const row = await this.#kernel.db.row<VerificationView>(sql`/* verifications:get */
      SELECT ${columns} FROM inventory.verification v WHERE v.id = ${id} AND ${visibleVerifications(principal)}`);
    if (!row) throw notFound('verification');
    return shownTo(principal)(row);
  }

  list({ principal }: RequestContext, query: Record<string, unknown>): Promise<Page<Partial<Listed>>> {
    const { db, cursors } = this.#kernel;
    const request = parseList(verifications, cursors, query, principal.nodeId ?? principal.providerId);
    return listPage<Listed, Listed>(db, cursors, verifications, request, {
      columns: listColumns,
      from: sql`inventory.verification v`,
      visible: visibleVerifications(principal),
      map: shownTo(principal),
    });
  }
}
