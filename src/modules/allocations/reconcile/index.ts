import type { DriftClass } from '../../../kernel/drift.ts';
import type { CleaningPolicy } from '../cleaning/gate.ts';
import { stepsWith } from '../life/transition.ts';
import { missedCleaning, staleCleaning } from './cleaning.ts';
import { staleCounter, staleQuota } from './counters.ts';
import { doubleUse } from './double-use.ts';
import { doubledShare, ghostAllocation, ghostShare } from './ghosts.ts';
import { staleHold } from './stale-holds.ts';

/**
 * Drift of the ledger, in the order of repair: what should not be there goes first, then what is left is counted, and what
 * was given back by any of it is cleaned.
 */
export function ledgerDrift(cleaning: CleaningPolicy): readonly DriftClass[] {
  const step = stepsWith(cleaning);
  return [
    ghostShare,
    doubledShare,
    staleHold,
    doubleUse(step),
    ghostAllocation(step),
    staleCounter,
    staleQuota,
    missedCleaning(cleaning),
    staleCleaning,
  ];
}
