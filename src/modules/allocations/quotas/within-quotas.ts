import type { Expiry } from '../life/expiry.ts';
import { isQuotaExceeded } from './errors.ts';

/** A tenant's own allocations that are over end before it is refused for what they count. */
export async function withinQuotas<T>(expiry: Expiry, tenantId: string, claim: () => Promise<T>): Promise<T> {
  try {
    return await claim();
  } catch (error) {
    if (!isQuotaExceeded(error) || (await expiry.endDueOf(tenantId)) === 0) throw error;
    return claim();
  }
}
