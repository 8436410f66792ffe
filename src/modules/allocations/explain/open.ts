import { Database } from '../../../kernel/db/database.ts';
import { createPool } from '../../../kernel/db/pool.ts';
import type { Kernel } from '../../../module.ts';
import { Explainer } from './explainer.ts';
import type { ExplainedSearch } from './question.ts';

/** Connections that explain, and do nothing else: explaining never crowds out claims. */
const connections = 2;

/** An explainer with a pool of its own, which `close` ends. */
export function openExplainer(
  { config, log }: Pick<Kernel, 'config' | 'log'>,
  search: ExplainedSearch,
): Explainer {
  const url = config.databaseUrl ?? '';
  const pool = createPool({ url, max: connections, name: 'depin-inventory explain', log });
  // Nothing is prepared: each request has its own best plan.
  const db = new Database({ pool, log, prepare: false });
  return new Explainer({ db, log, lanes: connections, search });
}
