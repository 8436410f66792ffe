import sql from 'sql-template-tag';
import type { Static } from 'typebox';
import type { RequestContext } from '../../kernel/context.ts';
import { listPage, type Page, parseList } from '../../kernel/db/list.ts';
import { notFound } from '../../kernel/errors.ts';
import { assertVersion, type IfMatch } from '../../kernel/http/etag.ts';
import type { Kernel } from '../../module.ts';
import { findingColumns, findings, visibleFindings } from './finding-collection.ts';
import type { Finding, ResolveFinding } from './finding-schemas.ts';

type FindingView = Static<typeof Finding>;

/** Contradictions on record: opened by whoever meets them, settled here. */
export class FindingService {
  readonly #kernel: Pick<Kernel, 'db' | 'cursors'>;

  constructor(kernel: Pick<Kernel, 'db' | 'cursors'>) {
    this.#kernel = kernel;
  }

  list({ principal }: RequestContext, query: Record<string, unknown>): Promise<Page<Partial<FindingView>>> {
    const { db, cursors } = this.#kernel;
    const request = parseList(findings, cursors, query, principal.nodeId ?? principal.providerId);
    return listPage<FindingView>(db, cursors, findings, request, {
      columns: findingColumns,
      from: sql`inventory.finding f`,
      visible: visibleFindings(principal),
    });
  }

  /** Settles a finding. One that is settled stays as it is: the answer is the same, without a second effect. */
  resolve(
    ctx: RequestContext,
    id: string,
    ifMatch: IfMatch | null,
    { resolution = null }: { resolution?: Static<typeof ResolveFinding>['resolution'] | null },
  ): Promise<FindingView> {
    return this.#kernel.db.write(ctx, async (tx) => {
      const finding = await tx.row<FindingView>(sql`/* verifications:lock_finding */
        SELECT ${findingColumns} FROM inventory.finding f
         WHERE f.id = ${id} AND ${visibleFindings(ctx.principal)} FOR NO KEY UPDATE`);
      if (!finding) throw notFound('finding');
      assertVersion(ifMatch, finding.version);
      if (finding.state === 'resolved') return finding;
      const resolved = (await tx.row<FindingView>(sql`/* verifications:resolve_finding */
        UPDATE inventory.finding f
           SET state = 'resolved', resolution = ${resolution}, version = version + 1,
               resolved_at = inventory.moment_after(created_at)
         WHERE f.id = ${id} RETURNING ${findingColumns}`)) as FindingView;
      const { version, providerId, nodeId } = resolved;
      await tx.record({
        type: 'finding.resolved',
        subject: { type: 'finding', id },
        version,
        diff: { before: { state: 'open' }, after: { state: 'resolved', resolution } },
        reason: resolution,
        providerId,
        nodeId,
      });
      tx.invalidate('findings', `finding:${id}`);
      return resolved;
    });
  }
}
