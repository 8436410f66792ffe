import type { Database } from '../../../kernel/db/database.ts';
import type { SchedulingPolicy } from '../../inventory/index.ts';
import type { Explainer } from '../explain/explainer.ts';
import type { Expiry } from '../life/expiry.ts';
import type { InterruptionDefaults } from './interruption.ts';
import type { GpuSearch } from './wish.ts';

/** What finding GPUs and taking them needs. */
export interface ClaimTools {
  db: Database;
  expiry: Expiry;
  search: GpuSearch;
  policy: SchedulingPolicy;
  explainer: Pick<Explainer, 'explainInTime'>;
  interruptions: InterruptionDefaults;
}
