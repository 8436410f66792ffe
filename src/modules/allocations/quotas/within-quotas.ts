import type { Expiry } from '../life/expiry.ts';
import { isQuotaExceeded } from './errors.ts';

/**
 * A tenant's own allocations that are over end before it is refused for what they count. It is asked again in any case:
 * a sweep may have ended them in between.
 */
export async function withinQuotas<T>(
  expiry: Pick<Expiry, 'endDueOf'>,
  tenantId: string,
  claim: () => Promise<T>,
): Promise<T> {
  try {
    return await claim();
  } catch (error) {
    if (!isQuotaExceeded(error)) throw error;
    await expiry.endDueOf(tenantId);
    return claim();
  }
}
