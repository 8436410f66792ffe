import fc from 'fast-check';
import type { AskedFilter } from './choice-oracle.ts';

/** Filters on a fleet of the models `model-a` and `model-b`: those that a walk along an index begins or ends with too. */
export const askedFilter: fc.Arbitrary<AskedFilter> = fc.record(
  {
    minMemoryMb: fc.constantFrom(1, 16_000, 24_000),
    modelId: fc.record({ in: fc.constantFrom(['model-a'], ['model-b', 'model-a'], ['model-b', 'model-c']) }),
    maxPricePerHourNanoUsd: fc.constantFrom('1', '2'),
  },
  { requiredKeys: ['minMemoryMb'] },
);
