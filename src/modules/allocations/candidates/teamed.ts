import sql, { type Sql } from 'sql-template-tag';
import { modelKey } from '../claims/free-gpus.ts';
import type { Plan, PlannedPart } from './plan.ts';

type Restriction = Pick<PlannedPart, 'sameNode' | 'sameModel'>;

/** Whether the GPUs of all parts have something in common. */
export const isLinked = ({ together }: Plan): boolean => together.sameNode || together.sameModel;

/** What the GPUs of a part have in common with each other, or with those of all parts. */
const restrictionOf = (plan: Plan, part: PlannedPart): Restriction => (isLinked(plan) ? plan.together : part);

/** Whether a part's GPUs must be of one team. */
export const isTeamed = (plan: Plan, part: PlannedPart): boolean => {
  const { sameNode, sameModel } = restrictionOf(plan, part);
  return sameNode || sameModel;
};

/** The team of a GPU, over `gpu_state s`: one of all where nothing has to be in common. */
export function teamOf(plan: Plan, part: PlannedPart): Sql {
  const { sameNode, sameModel } = restrictionOf(plan, part);
  if (sameNode && sameModel) return sql`s.node_seq || ' ' || ${modelKey}`;
  // Parts that are told apart need teams of one type.
  if (sameNode) return plan.parts.length === 1 || isLinked(plan) ? sql`s.node_seq` : sql`s.node_seq::text`;
  return sameModel ? modelKey : sql`''`;
}
