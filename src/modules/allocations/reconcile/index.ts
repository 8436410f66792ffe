import type { DriftClass } from '../../../kernel/drift.ts';
import { staleCounter, staleQuota } from './counters.ts';
import { doubleUse } from './double-use.ts';
import { ghostAllocation, ghostShare } from './ghosts.ts';
import { staleHold } from './stale-holds.ts';

/** Drift of the ledger, in the order of repair: what should not be there goes first, then what is left is counted. */
export const ledgerDrift: readonly DriftClass[] = [
  ghostShare,
  staleHold,
  doubleUse,
  ghostAllocation,
  staleCounter,
  staleQuota,
];
