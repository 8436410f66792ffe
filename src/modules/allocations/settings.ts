import { boolean, integer, oneOf, type Values } from '../../kernel/settings.ts';
import type { CleaningPolicy } from './cleaning/gate.ts';
import { interruptions } from './life/domain.ts';

export const allocationSettings = {
  sweepIntervalMs: integer(
    'ALLOCATION_SWEEP_INTERVAL_MS',
    'Milliseconds between two looks for holds, durations, drains and cleanings that are over; reads and claims on holds do not wait for it',
    { default: 250, min: 10, max: 60_000 },
  ),
  interruptionPolicy: oneOf(
    'INTERRUPTION_POLICY',
    'What becomes of an allocation whose node goes offline or whose GPU is lost, unless it says so itself',
    interruptions,
    'release',
  ),
  interruptionGraceS: integer(
    'INTERRUPTION_GRACE_S',
    'Seconds that a node or GPU has to come back under the policy `grace`, unless the allocation says so itself',
    { default: 300, min: 1, max: 86_400 },
  ),
  cleaningRequired: boolean(
    'CLEANING_REQUIRED',
    'true: a GPU is cleaned after each use before it can be claimed again, unless its node says otherwise',
    false,
  ),
  cleaningTimeoutS: integer(
    'CLEANING_TIMEOUT_S',
    'Seconds from the end of a use after which a GPU that nobody has reported clean is quarantined',
    { default: 900, min: 1, max: 604_800 },
  ),
} as const;

export const cleaningOf = ({
  cleaningRequired: required,
  cleaningTimeoutS: timeoutS,
}: Pick<Values<typeof allocationSettings>, 'cleaningRequired' | 'cleaningTimeoutS'>): CleaningPolicy => ({
  required,
  timeoutS,
});
