import type { Transaction } from '../../kernel/db/transaction.ts';
import type { VerificationView } from './queries.ts';

/** The one change row of a new version; `fields` are what is new. */
export function recordVerification(
  tx: Transaction,
  verb: 'challenged' | 'submitted' | 'decided',
  verification: VerificationView,
  fields: readonly (keyof VerificationView)[],
): Promise<void> {
  const { id, version, providerId, nodeId, reason } = verification;
  tx.invalidate('verifications', `verification:${id}`);
  return tx.record({
    type: `verification.${verb}`,
    subject: { type: 'verification', id },
    version,
    diff: { after: Object.fromEntries(fields.map((field) => [field, verification[field]])) },
    reason,
    providerId,
    nodeId,
  });
}
