import { hash, timingSafeEqual } from 'node:crypto';
import sql from 'sql-template-tag';
import type { Principal } from '../../kernel/context.ts';
import type { Database } from '../../kernel/db/database.ts';
import type { Clock } from '../../kernel/time.ts';
import { digestOf, lookupOf } from './api-key.ts';
import { principalOf, type StoredKey, stateOf } from './domain.ts';
import { disabledKey, expiredKey, invalidKey, revokedKey } from './errors.ts';

interface Options {
  db: Pick<Database, 'row' | 'execute'>;
  pepper: string;
  clock: Clock;
}

interface Remembered {
  /** Shared by all who present the key while it is looked up. */
  asked: Promise<Principal>;
  /** The answer, once it is there. */
  principal: Principal | null;
  until: number;
}

/** A principal is remembered this long: the bound on how long another replica still accepts a revoked key. */
const rememberedForMs = 5000;
const rememberedAtMost = 10_000;
const noDigest = Buffer.alloc(32);

const nameOf = (key: string): string => hash('sha256', key, 'base64');

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
    const name = nameOf(key);
    const principal = await (this.#fresh(name)?.asked ?? this.#look(name, key));
    this.#used.add(principal.keyId);
    return principal;
  }

  /** Whose key it is, where that is remembered, without a promise: most requests wait for nothing. null where it must be looked up. */
  recall(key: string): Principal | null {
    const principal = this.#fresh(nameOf(key))?.principal ?? null;
    if (principal) this.#used.add(principal.keyId);
    return principal;
  }

  #fresh(name: string): Remembered | undefined {
    const known = this.#remembered.get(name);
    return known && known.until > this.#options.clock.now() ? known : undefined;
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

  /** Remembered from the moment of asking: what `forget` clears meanwhile does not come back with the answer. */
  async #look(name: string, key: string): Promise<Principal> {
    const until = this.#options.clock.now() + rememberedForMs;
    const entry: Remembered = { asked: this.#load(key), principal: null, until };
    if (this.#remembered.size >= rememberedAtMost) this.#remembered.clear();
    this.#remembered.set(name, entry);
    try {
      entry.principal = await entry.asked;
      return entry.principal;
    } catch (error) {
      if (this.#remembered.get(name) === entry) this.#remembered.delete(name);
      throw error;
    }
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
