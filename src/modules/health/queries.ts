import sql, { type Sql } from 'sql-template-tag';
import type { Static } from 'typebox';
import type { Principal } from '../../kernel/context.ts';
import type { Transaction } from '../../kernel/db/transaction.ts';
import type { CheckState } from './domain.ts';
import type { HealthCheck } from './schemas.ts';

export type HealthCheckRow = Static<typeof HealthCheck>;

/** A check as the API shows it. */
export const checkColumns = sql`
  h.id, h.gpu_id, h.node_id, h.provider_id, h."check", h.outcome, h.fatal, h.code, h.message, h.under_load,
  h.recommended_action, h.observed_at, h.source, h.raw, h.created_at`;

/** Checks that a caller may see: a provider its own, an agent its node's, others all. */
export function visibleChecks({ role, providerId, nodeId }: Principal): Sql {
  if (role === 'provider') return sql`h.provider_id = ${providerId}::uuid`;
  return role === 'agent' ? sql`h.node_id = ${nodeId}::uuid` : sql`TRUE`;
}

/** Whether a moment lies more than 5 minutes ahead of the database's clock. */
export async function isAhead(tx: Transaction, moment: string): Promise<boolean> {
  const row = await tx.row<{ ahead: boolean }>(sql`/* health:is_ahead */
    SELECT ${moment}::timestamptz > clock_timestamp() + interval '5 minutes' AS ahead`);
  return row?.ahead === true;
}

type NewCheck = Omit<HealthCheckRow, 'observedAt' | 'createdAt'> & { observedAt: string | null };

/** Stores an observation; the moment of arrival counts where it names none. */
export async function insertCheck(tx: Transaction, check: NewCheck): Promise<HealthCheckRow> {
  const raw = check.raw === null ? null : JSON.stringify(check.raw);
  const row = await tx.row<HealthCheckRow>(sql`/* health:insert_check */
    INSERT INTO inventory.health_check AS h (id, gpu_id, node_id, provider_id, "check", outcome, fatal, code, message,
                                             under_load, recommended_action, observed_at, source, raw)
    VALUES (${check.id}, ${check.gpuId}, ${check.nodeId}, ${check.providerId}, ${check.check}, ${check.outcome},
            ${check.fatal}, ${check.code}, ${check.message}, ${check.underLoad}, ${check.recommendedAction},
            coalesce(${check.observedAt}::timestamptz, clock_timestamp()), ${check.source}, ${raw}::jsonb)
    RETURNING ${checkColumns}`);
  return row as HealthCheckRow;
}

const severity = (outcome: Sql): Sql => sql`array_position('{ok,warning,failed}', ${outcome})`;

/**
 * Takes a stored observation into the state of its check, unless a newer one is there: observations may arrive late.
 * Of two of the same moment the worse one counts, whichever came first. The subject is locked.
 */
export const applyCheck = (
  tx: Transaction,
  subjectId: string,
  key: string,
  checkId: string,
): Promise<number> =>
  tx.execute(sql`/* health:apply_check */
    INSERT INTO inventory.check_state AS c (subject_id, "check", outcome, code, message, observed_at, failed_at, ok_at,
                                            loaded_ok_at)
    SELECT ${subjectId}::uuid, ${key}, h.outcome, h.code, h.message, h.observed_at,
           CASE WHEN h.outcome = 'failed' THEN h.observed_at END,
           CASE WHEN h.outcome = 'ok' THEN h.observed_at END,
           CASE WHEN h.outcome = 'ok' AND h.under_load THEN h.observed_at END
      FROM inventory.health_check h WHERE h.id = ${checkId}
    ON CONFLICT (subject_id, "check") DO UPDATE
      SET outcome = excluded.outcome, code = excluded.code, message = excluded.message,
          observed_at = excluded.observed_at, failed_at = coalesce(excluded.failed_at, c.failed_at),
          ok_at = coalesce(excluded.ok_at, c.ok_at), loaded_ok_at = coalesce(excluded.loaded_ok_at, c.loaded_ok_at)
      WHERE (c.observed_at, ${severity(sql`c.outcome`)})
         <= (excluded.observed_at, ${severity(sql`excluded.outcome`)})`);

const micros = (moment: Sql): Sql => sql`(extract(epoch FROM ${moment}) * 1000000)::bigint`;

/** Where all checks of a GPU or node stand. */
export const checkStates = (tx: Transaction, subjectId: string): Promise<CheckState[]> =>
  tx.rows<CheckState>(sql`/* health:check_states */
    SELECT c.outcome, ${micros(sql`c.failed_at`)} AS failed_at, ${micros(sql`c.ok_at`)} AS ok_at,
           ${micros(sql`c.loaded_ok_at`)} AS loaded_ok_at
      FROM inventory.check_state c WHERE c.subject_id = ${subjectId}`);
