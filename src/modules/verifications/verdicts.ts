import sql from 'sql-template-tag';
import type { Static } from 'typebox';
import type { RequestContext } from '../../kernel/context.ts';
import type { Database } from '../../kernel/db/database.ts';
import type { Transaction } from '../../kernel/db/transaction.ts';
import { invalid } from '../../kernel/errors.ts';
import { assertVersion, type IfMatch } from '../../kernel/http/etag.ts';
import type { CatalogueApi } from '../catalogue/index.ts';
import { attestGpu, lockGpu, openFindings } from '../inventory/index.ts';
import { levelGranted } from './domain.ts';
import { alreadyDecided, evidenceMissing } from './errors.ts';
import { currentLevel, dropLevels, grantLevel, isDisputed, policyOf } from './levels.ts';
import { columns, lockVerification, type VerificationView } from './queries.ts';
import { recordVerification } from './record.ts';
import type { DecideVerification } from './schemas.ts';

type Input = Static<typeof DecideVerification>;

/** What a verdict did to the level of its GPU. */
interface Effect {
  level: number | null;
  validUntil: Date | null;
}

const none: Effect = { level: null, validUntil: null };

/** Verdicts, and what follows from them for the GPU. */
export class Verdicts {
  readonly #db: Database;
  readonly #catalogue: CatalogueApi;

  constructor(db: Database, catalogue: CatalogueApi) {
    this.#db = db;
    this.#catalogue = catalogue;
  }

  /**
   * Decides once. `valid` grants a level, `invalid` takes all of them, `unverifiable` (a vendor's verifier is down,
   * evidence never came) changes nothing about the GPU.
   *
   * @throws 409 `verification.already_decided`, `verification.evidence_missing`.
   */
  decide(ctx: RequestContext, id: string, ifMatch: IfMatch | null, input: Input): Promise<VerificationView> {
    if (input.level && input.verdict !== 'valid') throw invalid('/level', 'goes with verdict valid only');
    return this.#db.write(ctx, async (tx) => {
      const verification = await lockVerification(tx, ctx.principal, id);
      if (verification.verdict !== null) throw alreadyDecided();
      if (verification.submittedAt === null && input.verdict !== 'unverifiable') throw evidenceMissing();
      assertVersion(ifMatch, verification.version);
      const effect = await this.#apply(tx, ctx, verification, input);
      const decided = (await tx.row<VerificationView>(sql`/* verifications:decide */
        UPDATE inventory.verification v
           SET state = 'decided', verdict = ${input.verdict}, reason = ${input.reason ?? null},
               findings = ${JSON.stringify(input.findings ?? [])}::jsonb, level = ${effect.level},
               valid_until = ${effect.validUntil}, verifier_id = ${ctx.principal.keyId},
               decided_at = clock_timestamp(), version = version + 1
         WHERE v.id = ${id} RETURNING ${columns}`)) as VerificationView;
      await recordVerification(tx, 'decided', decided, [
        'state',
        'verdict',
        'level',
        'validUntil',
        'findings',
      ]);
      return decided;
    });
  }

  /** The GPU is locked before findings are opened, as by everybody who opens findings of a GPU. */
  async #apply(
    tx: Transaction,
    { principal }: RequestContext,
    verification: VerificationView,
    { verdict, level, findings = [], reason = null }: Input,
  ): Promise<Effect> {
    const { id, gpuId, kind, evidence } = verification;
    const gpu = verdict === 'unverifiable' ? null : await lockGpu(tx, principal, gpuId);
    const failed = { kind: 'verification_failed', detail: { verificationId: id, kind, reason } };
    const seen = verdict === 'invalid' ? [...findings, failed] : findings;
    await openFindings(
      tx,
      seen.map((finding) => ({
        kind: finding.kind,
        subjectKey: gpuId,
        providerId: verification.providerId,
        nodeId: gpu?.nodeId ?? verification.nodeId,
        gpuId,
        detail: finding.detail ?? {},
      })),
    );
    if (gpu === null) return none;
    if (verdict === 'invalid') {
      await dropLevels(tx, gpu, reason);
      return { level: 0, validUntil: null };
    }
    // A dispute is for people to settle: evidence must not settle it by outranking the source that disagrees.
    if (!(await isDisputed(tx, gpuId))) await attestGpu(tx, this.#catalogue, gpuId, evidence ?? {});
    const { ceiling, at, validUntil } = await policyOf(tx, kind);
    const granted = levelGranted({
      asked: level ?? null,
      ceiling,
      current: currentLevel(gpu, at),
      disputed: await isDisputed(tx, gpuId),
    });
    await grantLevel(tx, gpu, granted, { at, validUntil, reason });
    return { level: granted, validUntil: granted > 0 ? validUntil : null };
  }
}
