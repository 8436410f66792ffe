import sql, { join, type Sql } from 'sql-template-tag';
import type { Bond } from './question.ts';

/** GPUs that no catalogue entry names are of one model only if they have one name; over `gpu_state s`. */
const modelKey = sql`CASE s.model_id WHEN 'uncatalogued'
  THEN (SELECT lower(g.name) FROM inventory.gpu g WHERE g.id = s.gpu_id) ELSE s.model_id END`;

/** The column `model` over `gpu_state s`; the same for all where nobody asks. */
export const modelColumn = (bonds: readonly Bond[]): Sql =>
  bonds.includes('sameModel') ? modelKey : sql`''::text`;

/**
 * GPUs of one team may be taken together: the columns that its members have in common, over rows with `node_seq` and
 * `model`. Without a bond all GPUs are of one team.
 */
export const teamColumns = (bonds: readonly Bond[]): Sql =>
  join([
    bonds.includes('sameNode') ? sql`node_seq AS team_node` : sql`0::bigint AS team_node`,
    bonds.includes('sameModel') ? sql`model AS team_model` : sql`''::text AS team_model`,
  ]);

export const team = sql`team_node, team_model`;
