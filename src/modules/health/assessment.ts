import type { Outcome } from './domain.ts';
import { type KnownCode, knownCodes, type RecommendedAction } from './known-codes.ts';

interface Observation {
  check: string;
  code?: string | null | undefined;
  outcome: Outcome;
  fatal?: boolean | undefined;
}

export interface Assessment {
  fatal: boolean;
  recommendedAction: RecommendedAction;
}

/** Spellings of one check are one check: case and surrounding space say nothing. */
export const checkKey = (check: string): string => check.trim().toLowerCase();

/** `XID 79`, `xid-79` and `79` name one code. */
const codeKey = (code: string): string =>
  code
    .trim()
    .toLowerCase()
    .replace(/^xid[\s:_-]*(?=\d)/, '');

/** What the catalogue knows of a code; own members only, because both names come from outside. */
function knownCode(check: string, code: string | null | undefined): KnownCode | undefined {
  const codes = Object.hasOwn(knownCodes, checkKey(check)) ? knownCodes[checkKey(check)] : undefined;
  if (code === undefined || code === null || codes === undefined) return undefined;
  return Object.hasOwn(codes, codeKey(code)) ? codes[codeKey(code)] : undefined;
}

/**
 * Severity and what to do. A known failure is at least as severe as the catalogue says; an unknown one is what its
 * reporter says. Only `ok` recommends nothing: a fatal failure without an action would keep a GPU out for ever.
 */
export function assess({ check, code, outcome, fatal = false }: Observation): Assessment {
  if (outcome === 'ok') return { fatal: false, recommendedAction: 'none' };
  const known = knownCode(check, code);
  if (outcome === 'warning') return { fatal: false, recommendedAction: known?.action ?? 'monitor' };
  if (known && (known.fatal || !fatal)) return { fatal: known.fatal, recommendedAction: known.action };
  return { fatal, recommendedAction: 'run_diagnostics' };
}
