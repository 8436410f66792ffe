import { createHash, randomBytes } from 'node:crypto';
import sql from 'sql-template-tag';
import type { Static } from 'typebox';
import type { RequestContext } from '../../../kernel/context.ts';
import type { Transaction } from '../../../kernel/db/transaction.ts';
import { notFound } from '../../../kernel/errors.ts';
import { newId } from '../../../kernel/ids.ts';
import type { Kernel } from '../../../module.ts';
import type { AccessApi } from '../../access/index.ts';
import { expiredToken, invalidToken, usedToken } from '../errors.ts';
import { visibleProviders } from '../providers/collection.ts';
import type { CreateEnrollmentToken, EnrollmentToken } from '../providers/schemas.ts';
import { insertNodes } from './registration.ts';
import type { EnrolledNode, EnrollNode } from './schemas.ts';
import { type NodeRow, toNode } from './view.ts';

interface StoredToken {
  id: string;
  used: boolean;
  expired: boolean;
  providerId: string;
  region: string;
}

const digestOf = (token: string): Buffer => createHash('sha256').update(token).digest();

/** One-time tokens that a provider hands to its machines, and what a machine gets for one. */
export class Enrollment {
  readonly #kernel: Kernel;
  readonly #access: AccessApi;

  constructor(kernel: Kernel, access: AccessApi) {
    this.#kernel = kernel;
    this.#access = access;
  }

  createToken(
    ctx: RequestContext,
    providerId: string,
    { ttlS = 86_400 }: Static<typeof CreateEnrollmentToken>,
  ): Promise<Static<typeof EnrollmentToken>> {
    const token = `dpi_enroll_${randomBytes(32).toString('base64url')}`;
    return this.#kernel.db.write(ctx, async (tx) => {
      const id = newId();
      const made = await tx.row<{ expiresAt: Date }>(sql`/* inventory:create_enrollment_token */
        INSERT INTO inventory.enrollment_token (id, provider_id, digest, created_by, expires_at)
        SELECT ${id}, p.id, ${digestOf(token)}, ${ctx.principal.keyId}, clock_timestamp() + make_interval(secs => ${ttlS})
          FROM inventory.provider p WHERE p.id = ${providerId} AND ${visibleProviders(ctx.principal)}
        RETURNING expires_at`);
      if (!made) throw notFound('provider');
      await tx.record({
        type: 'enrollment_token.created',
        subject: { type: 'enrollment_token', id },
        version: 1,
        providerId,
      });
      return { token, expiresAt: made.expiresAt };
    });
  }

  /** Trades a token for a node and its agent's key. Refused, the token stays good. */
  enroll(
    ctx: RequestContext,
    { token, ...input }: Static<typeof EnrollNode>,
  ): Promise<Static<typeof EnrolledNode>> {
    return this.#kernel.db.write(ctx, async (tx) => {
      const stored = await takeToken(tx, token);
      const [row] = await insertNodes(tx, { id: stored.providerId, region: stored.region }, [input]);
      const node = toNode(row as NodeRow);
      await tx.execute(sql`/* inventory:use_enrollment_token */
        UPDATE inventory.enrollment_token SET used_at = clock_timestamp(), node_id = ${node.id} WHERE id = ${stored.id}`);
      const { key } = await this.#access.issueKey(tx, {
        name: node.hostname,
        role: 'agent',
        providerId: stored.providerId,
        nodeId: node.id,
        tenantId: null,
        scopes: [],
        expiresAt: null,
        origin: 'enrollment',
      });
      return { node, apiKey: key };
    });
  }
}

/** Shares the provider's lock: a change of the provider, such as maintenance of all its nodes, waits, and finds the node. */
async function takeToken(tx: Transaction, token: string): Promise<StoredToken> {
  const stored = await tx.row<StoredToken>(sql`/* inventory:take_enrollment_token */
    SELECT t.id, t.used_at IS NOT NULL AS used, t.expires_at <= clock_timestamp() AS expired, t.provider_id,
           p.region
      FROM inventory.enrollment_token t JOIN inventory.provider p ON p.id = t.provider_id AND p.deleted_at IS NULL
     WHERE t.digest = ${digestOf(token)} FOR UPDATE OF t FOR SHARE OF p`);
  if (!stored) throw invalidToken();
  if (stored.used) throw usedToken();
  if (stored.expired) throw expiredToken();
  return stored;
}
