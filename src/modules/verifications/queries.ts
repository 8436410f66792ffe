import sql, { type Sql } from 'sql-template-tag';
import type { Static } from 'typebox';
import type { Principal } from '../../kernel/context.ts';
import type { Queryable, Transaction } from '../../kernel/db/transaction.ts';
import { notFound } from '../../kernel/errors.ts';
import type { Order } from '../liveness/index.ts';
import type { Verification } from './schemas.ts';

export type VerificationView = Static<typeof Verification>;

/** A challenge expires by itself: what is stored stays `challenged`. */
export const stateAt = (moment: Sql): Sql =>
  sql`CASE WHEN v.state = 'challenged' AND v.expires_at <= ${moment} THEN 'expired' ELSE v.state END`;

/** A verification as lists show it; its evidence, up to 64 KiB, only by itself. */
export const listColumns = sql`
  v.id, v.gpu_id, v.node_id, v.provider_id, v.kind, ${stateAt(sql`clock_timestamp()`)} AS state, v.nonce, v.expires_at,
  v.evidence_sha256, v.submitted_by, v.submitted_at, v.verdict, v.reason, v.findings, v.level, v.valid_until,
  v.verifier_id, v.decided_at, v.version, v.created_at`;

export const columns = sql`${listColumns}, v.evidence`;

/** Verifications that a caller may see: a provider those of its GPUs, an agent those of its node, others all. */
export function visibleVerifications({ role, providerId, nodeId }: Principal): Sql {
  if (role === 'provider') return sql`v.provider_id = ${providerId}::uuid`;
  return role === 'agent' ? sql`v.node_id = ${nodeId}::uuid` : sql`TRUE`;
}

/** With a nonce one can answer a challenge: it is for who asks and who is asked. */
export const shownTo =
  ({ role }: Principal) =>
  <View extends { nonce: string | null }>(view: View): View =>
    role === 'viewer' ? { ...view, nonce: null } : view;

/** Locks a verification that the caller may see. @throws 404 `verification.not_found`. */
export async function lockVerification(
  tx: Transaction,
  principal: Principal,
  id: string,
): Promise<VerificationView> {
  const row = await tx.row<VerificationView>(sql`/* verifications:lock */
    SELECT ${columns} FROM inventory.verification v
     WHERE v.id = ${id} AND ${visibleVerifications(principal)} FOR NO KEY UPDATE`);
  if (!row) throw notFound('verification');
  return row;
}

/** The challenges that wait for an answer now, as what their nodes are asked to do. */
export async function openChallenges(db: Queryable): Promise<Order[]> {
  const challenges = await db.rows<{
    id: string;
    gpuId: string;
    nodeId: string;
    expiresAt: Date;
  }>(sql`/* verifications:open_challenges */
    SELECT v.id, v.gpu_id, s.node_id, v.expires_at
      FROM inventory.verification v JOIN inventory.gpu_state s ON s.gpu_id = v.gpu_id
     WHERE v.state = 'challenged' AND v.expires_at > clock_timestamp()`);
  return challenges.map(({ id, gpuId, nodeId, expiresAt }) => ({
    nodeId,
    directive: {
      type: 'answer_challenge',
      verificationId: id,
      gpuId,
      deadlineAt: expiresAt.toISOString(),
    },
  }));
}
