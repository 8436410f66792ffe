import sql, { type Sql } from 'sql-template-tag';
import type { Plan, PlannedPart } from './plan.ts';

type Restriction = Pick<PlannedPart, 'sameNode' | 'sameModel'>;

/** GPUs that no catalogue entry names are of one model only if they have one name; over `gpu_state s`. */
export const modelKey = sql`CASE s.model_id WHEN 'uncatalogued'
  THEN (SELECT 'uncatalogued ' || lower(g.name) FROM inventory.gpu g WHERE g.id = s.gpu_id) ELSE s.model_id END`;

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
  if (sameNode && sameModel) return sql`s.node_id::text || ' ' || ${modelKey}`;
  // Parts that are told apart need teams of one type.
  if (sameNode) return plan.parts.length === 1 || isLinked(plan) ? sql`s.node_id` : sql`s.node_id::text`;
  return sameModel ? modelKey : sql`''`;
}
