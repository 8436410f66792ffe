import { invalid } from '../errors.ts';
import type { Operand, Scalar, ValueKind } from './field.ts';
import type { Target } from './filters.ts';

/** Longest list of `in` and `nin`. */
export const maxListLength = 100;

/** How one form of a filter turns a raw value into a canonical one; undefined where it is not one. */
export type ReadScalar = (kind: ValueKind, raw: unknown) => Scalar | undefined;

const jsonTypes = { string: 'string', number: 'number', integer: 'number', boolean: 'boolean' };

/** JSON values are read through their text, so that both forms of a filter obey one rule. */
export const readJson: ReadScalar = (kind, raw) =>
  typeof raw === jsonTypes[kind.schema.type] ? kind.parse(String(raw)) : undefined;

export const readText: ReadScalar = (kind, raw) => kind.parse(String(raw));

/**
 * Reads the operand of a filter: a list for `in` and `nin`, a boolean for `exists`, else one value.
 *
 * @throws 400 `request.invalid` naming `pointer`.
 */
export function readOperand(target: Target, raw: unknown, read: ReadScalar, pointer: string): Operand {
  const { operator, kind } = target;
  const scalar = (value: unknown): Scalar => {
    const canonical = read(kind, value);
    if (canonical === undefined) throw invalid(pointer, `must be ${kind.expects}`);
    return canonical;
  };
  if (operator === 'exists') {
    if (typeof raw === 'boolean') return raw;
    throw invalid(pointer, 'must be true or false');
  }
  if (operator !== 'in' && operator !== 'nin') return scalar(raw);
  if (!Array.isArray(raw) || raw.length === 0 || raw.length > maxListLength) {
    throw invalid(pointer, `must be a list of 1 to ${maxListLength} values`);
  }
  return raw.map(scalar);
}
