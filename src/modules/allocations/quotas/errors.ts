import { AppError } from '../../../kernel/errors.ts';

/** As the ledger's trigger says it: the first quota in the way, numbers as text in the units of that quota. */
interface Refusal {
  quota: 'maxGpus' | 'maxMemoryMb' | 'maxHeldGpus' | 'maxPricePerHourNanoUsd';
  limit: string;
  used: string;
  asked: string;
}

/** 409 `allocation.quota_exceeded` with `quota`, `limit`, `used` and `asked`; `detail` is that of the database's error. */
export function quotaExceeded(detail: string): AppError {
  const { quota, ...amounts } = JSON.parse(detail) as Refusal;
  // Money stays a decimal string.
  const shown = (amount: string) => (quota === 'maxPricePerHourNanoUsd' ? amount : Number(amount));
  const members = {
    quota,
    limit: shown(amounts.limit),
    used: shown(amounts.used),
    asked: shown(amounts.asked),
  };
  return new AppError(
    409,
    'allocation.quota_exceeded',
    `The tenant's ${quota} is ${members.limit}; ${members.used} is in use and ${members.asked} more was asked for.`,
    { members },
  );
}

export const isQuotaExceeded = (error: unknown): boolean =>
  error instanceof AppError && error.code === 'allocation.quota_exceeded';
