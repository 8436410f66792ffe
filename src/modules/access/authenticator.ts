import { createHash, timingSafeEqual } from 'node:crypto';
import sql from 'sql-template-tag';
import type { Principal } from '../../kernel/context.ts';
import type { Database } from '../../kernel/db/database.ts';
import type { Clock } from '../../kernel/time.ts';
import { digestOf, lookupOf } from './api-key.ts';
import { principalOf, type StoredKey, stateOf } from './domain.ts';
import { disabledKey, expiredKey, invalidKey, revokedKey } from './errors.ts';

interface Options {
  db: Database;
  pepper: string;
  clock: Clock;
}

interface Remembered {
  principal: Principal;
  until: number;
}

/** A principal is remembered this long: the bound on how long another replica still accepts a revoked key. */
const rememberedForMs = 5000;
const rememberedAtMost = 10_000;
const noDigest = Buffer.alloc(32);

/** Turns the text of a key into who is calling. With the database away it throws: never anonymous, never by guess. */
export class Authenticator {
  readonly #options: Options;
  readonly #remembered = new Map<string, Remembered>();
  /** Keys seen since the last flush; `lastUsedAt` is written in bulk, off the request's path. */
  readonly #used = new Set<string>();

  constructor(options: Options) {
    this.#options = options;
  }

  async authenticate(key: string): Promise<Principal> {
    const now = this.#options.clock.now();
    const name = createHash('sha256').update(key).digest('base64');
    const known = this.#remembered.get(name);
    if (known && known.until > now) return this.#use(known.principal);
    const principal = await this.#load(key);
    if (this.#remembered.size >= rememberedAtMost) this.#remembered.clear();
    this.#remembered.set(name, { principal, until: now + rememberedForMs });
    return this.#use(principal);
  }

  /** Any change of a key makes this process ask again at once. */
  forget(): void {
    this.#remembered.clear();
  }

  async flushLastUsed(): Promise<void> {
    if (this.#used.size === 0) return;
    const ids = [...this.#used];
    this.#used.clear();
    await this.#options.db.execute(sql`/* access:last_used */
      UPDATE inventory.api_key SET last_used_at = clock_timestamp()
       WHERE id = ANY(${ids}::uuid[])
         AND (last_used_at IS NULL OR last_used_at < clock_timestamp() - interval '1 minute')`);
  }

  #use(principal: Principal): Principal {
    this.#used.add(principal.keyId);
    return principal;
  }

  async #load(key: string): Promise<Principal> {
    const lookup = lookupOf(key);
    if (lookup === null) throw invalidKey();
    const stored = await this.#options.db.row<StoredKey>(sql`/* access:find_key */
      SELECT id, digest, role, provider_id, node_id, tenant_id, scopes, disabled,
             coalesce(expires_at <= clock_timestamp(), false) AS expired, revoked_at IS NOT NULL AS revoked
        FROM inventory.api_key WHERE lookup = ${lookup}`);
    // An unknown id costs the same comparison as a wrong secret.
    const same = timingSafeEqual(digestOf(key, this.#options.pepper), stored?.digest ?? noDigest);
    if (!stored || !same) throw invalidKey();
    switch (stateOf(stored)) {
      case 'revoked':
        throw revokedKey();
      case 'disabled':
        throw disabledKey();
      case 'expired':
        throw expiredKey();
      default:
        return principalOf(stored);
    }
  }
}
