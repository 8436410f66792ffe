import type { Comparison, Field, Operand, Reading, Scalar } from '../../../kernel/filters/field.ts';
import { type Condition, type FilterTest, fieldOf, type Predicate } from '../../../kernel/filters/filters.ts';
import { maxListLength } from '../../../kernel/filters/values.ts';
import type { Question } from './question.ts';

/** A way to ask less of one filter, whose extent the fleet decides. */
export interface Concession {
  /** The predicate's place from 1. */
  place: number;
  /** `raise` and `lower` move a bound, `widen` adds a value to those that are allowed. */
  kind: 'raise' | 'lower' | 'widen';
  reading: Reading;
  /** The comparison that is given up in part, and those of the same key that stay. */
  condition: Condition;
  rest: readonly FilterTest[];
  /** The value of the key with what the fleet offers; undefined where a caller could not write it so. */
  with(offered: string): unknown;
  /** Which share of what was asked is given up, from 0 to 1. */
  share(offered: string): number;
}

const directions: Partial<Record<Comparison, 'raise' | 'lower'>> = {
  gt: 'lower',
  gte: 'lower',
  lt: 'raise',
  lte: 'raise',
};
const inclusive: Partial<Record<Comparison, Comparison>> = { gt: 'gte', lt: 'lte' };

/** Of two numbers the share of the larger that lies between them; of what is no number, half. */
function distance(from: Operand, to: Scalar): number {
  const [a, b] = [Number(from), Number(to)];
  if (!Number.isFinite(a) || !Number.isFinite(b)) return 0.5;
  return Math.abs(a - b) / Math.max(Math.abs(a), Math.abs(b), Number.MIN_VALUE);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The key's value with one comparison replaced; a plain value stays plain where it can. */
function rewritten(value: unknown, { operator }: Condition, wanted: Comparison, operand: Operand): unknown {
  if (!isObject(value)) return operator === 'eq' ? { [wanted]: operand } : operand;
  const { [operator]: _, ...others } = value;
  return { ...others, [wanted]: operand };
}

type Place = Pick<Concession, 'place' | 'condition' | 'rest'> & {
  value: unknown;
  field: Field;
  reading: Reading;
};

function moveBound({ field, value, ...place }: Place, kind: 'raise' | 'lower'): Concession {
  const { condition } = place;
  const wanted = inclusive[condition.operator] ?? condition.operator;
  const read = (offered: string) => field.parse(offered);
  return {
    ...place,
    kind,
    with(offered) {
      const bound = read(offered);
      return bound === undefined ? undefined : rewritten(value, condition, wanted, bound);
    },
    share: (offered) => distance(condition.operand, read(offered) ?? offered),
  };
}

function widen({ field, value, ...place }: Place): Concession {
  const { condition } = place;
  const allowed = [condition.operand].flat();
  return {
    ...place,
    kind: 'widen',
    with(offered) {
      const more = field.parse(offered);
      if (more === undefined || allowed.length === maxListLength) return undefined;
      return rewritten(value, condition, 'in', [...allowed, more]);
    },
    share: () => 1 / (allowed.length + 1),
  };
}

/** Another node or GPU is not what was meant: ids are never widened. */
const isId = ({ schema }: Field): boolean => schema.format === 'uuid';

function concessionOf(
  question: Question,
  place: number,
  { value }: Predicate,
  all: readonly FilterTest[],
  at: number,
) {
  const condition = all[at] as FilterTest;
  if (!('field' in condition)) return [];
  const field = fieldOf(question.filters.fields, condition.field);
  if (!field?.reading || isId(field)) return [];
  const rest = all.filter((_, other) => other !== at);
  const found = { place, condition, rest, value, field, reading: field.reading };
  const direction = directions[condition.operator];
  if (direction) return [moveBound(found, direction)];
  return condition.operator === 'eq' || condition.operator === 'in' ? [widen(found)] : [];
}

/** How a key of the request could ask less; nothing for `all`, `any`, `not` and labels, which can only be dropped. */
export function concessionsOf(question: Question, place: number): Concession[] {
  const key = question.predicates[place - 1]?.key;
  if (!key) return [];
  const { filters } = question;
  const named = filters.shorthands.has(key.name) || fieldOf(filters.fields, key.name) !== undefined;
  if (!named) return [];
  const all = 'all' in key.test ? key.test.all : [key.test];
  return all.flatMap((_, at) => concessionOf(question, place, key, all, at));
}
