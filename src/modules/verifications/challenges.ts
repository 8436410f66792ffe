import { createHash, randomBytes } from 'node:crypto';
import sql from 'sql-template-tag';
import type { Static } from 'typebox';
import { canonicalJson } from '../../kernel/canonical-json.ts';
import type { RequestContext } from '../../kernel/context.ts';
import type { Database } from '../../kernel/db/database.ts';
import { invalid, notFound } from '../../kernel/errors.ts';
import { assertVersion, type IfMatch } from '../../kernel/http/etag.ts';
import { newId } from '../../kernel/ids.ts';
import { visibleGpus } from '../inventory/index.ts';
import { nonceExpired, nonceMismatch, nonceUsed } from './errors.ts';
import { columns, lockVerification, type VerificationView } from './queries.ts';
import { recordVerification } from './record.ts';
import type { CreateVerification, SubmitEvidence } from './schemas.ts';

const maxEvidenceBytes = 65_536;

/**
 * Challenge and evidence: a random nonce, bound to one GPU and one purpose, that answers once and not for long, so
 * that no evidence can be made in advance, kept, or lent to another GPU (the freshness of RFC 9334, section 10.2).
 */
export class Challenges {
  readonly #db: Database;
  readonly #ttlS: number;

  constructor(db: Database, ttlS: number) {
    this.#db = db;
    this.#ttlS = ttlS;
  }

  create(ctx: RequestContext, { gpuId, kind }: Static<typeof CreateVerification>): Promise<VerificationView> {
    return this.#db.write(ctx, async (tx) => {
      const challenge = await tx.row<VerificationView>(sql`/* verifications:challenge */
        INSERT INTO inventory.verification AS v (id, gpu_id, node_id, provider_id, kind, nonce, expires_at)
        SELECT ${newId()}, s.gpu_id, s.node_id, s.provider_id, ${kind}, ${randomBytes(32).toString('base64url')},
               clock_timestamp() + make_interval(secs => ${this.#ttlS})
          FROM inventory.gpu_state s WHERE s.gpu_id = ${gpuId} AND ${visibleGpus(ctx.principal)}
        RETURNING ${columns}`);
      if (!challenge) throw notFound('gpu');
      await recordVerification(tx, 'challenged', challenge, ['gpuId', 'kind', 'state', 'expiresAt']);
      return challenge;
    });
  }

  /**
   * Takes the one answer to a challenge.
   *
   * @throws 409 `verification.nonce_used`, `verification.nonce_mismatch`; 410 `verification.nonce_expired`.
   */
  submit(
    ctx: RequestContext,
    id: string,
    ifMatch: IfMatch | null,
    { nonce, evidence }: Static<typeof SubmitEvidence>,
  ): Promise<VerificationView> {
    const canonical = canonicalJson(evidence);
    if (Buffer.byteLength(canonical) > maxEvidenceBytes) {
      throw invalid('/evidence', `must be at most ${maxEvidenceBytes} bytes as JSON`);
    }
    const { role, keyId } = ctx.principal;
    return this.#db.write(ctx, async (tx) => {
      const challenge = await lockVerification(tx, ctx.principal, id);
      if (challenge.submittedAt !== null || challenge.verdict !== null) throw nonceUsed();
      if (challenge.nonce !== nonce) throw nonceMismatch();
      assertVersion(ifMatch, challenge.version);
      const submitted = await tx.row<VerificationView>(sql`/* verifications:submit */
        UPDATE inventory.verification v
           SET state = 'submitted', evidence = ${canonical}::jsonb,
               evidence_sha256 = ${createHash('sha256').update(canonical).digest('hex')},
               submitted_by = ${`${role}:${keyId}`}, submitted_at = clock_timestamp(), version = version + 1
         WHERE v.id = ${id} AND v.expires_at > clock_timestamp() RETURNING ${columns}`);
      if (!submitted) throw nonceExpired();
      await recordVerification(tx, 'submitted', submitted, ['state', 'evidenceSha256', 'submittedBy']);
      return submitted;
    });
  }
}
