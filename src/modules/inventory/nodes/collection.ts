import sql, { type Sql } from 'sql-template-tag';
import type { Principal } from '../../../kernel/context.ts';
import type { Collection } from '../../../kernel/db/list.ts';
import { contains } from '../../../kernel/filters/contains.ts';
import { enumeration, labels, search, text, uuid } from '../../../kernel/filters/equality-kinds.ts';
import { defineFilters } from '../../../kernel/filters/filters.ts';
import { integer, timestamp, version } from '../../../kernel/filters/ordered-kinds.ts';
import { defineSort } from '../../../kernel/http/sort.ts';
import { eligibilities, livenesses, nodeLifecycles } from '../fields.ts';
import { Node } from './schemas.ts';
import { livenessOfNode } from './view.ts';

const measure = (name: string) => ({
  sql: sql`(n.system ->> ${name}::text)::bigint`,
  min: 0,
  max: 2 ** 31 - 1,
});

export const nodes: Collection = {
  name: 'nodes',
  filters: defineFilters(
    {
      providerId: uuid({ sql: sql`n.provider_id` }),
      hostname: text({ sql: sql`n.hostname`, ignoreCase: true }),
      region: text({ sql: sql`n.region` }),
      zone: text({ sql: sql`n.zone` }),
      lifecycle: enumeration(nodeLifecycles, { sql: sql`n.lifecycle` }),
      eligibility: enumeration(eligibilities, { sql: sql`n.eligibility` }),
      liveness: enumeration(livenesses, { sql: livenessOfNode }),
      os: text({ sql: sql`n.system ->> 'os'` }),
      cpuModel: text({ sql: sql`n.system ->> 'cpuModel'` }),
      cpuCores: integer(measure('cpuCores')),
      memoryTotalMb: integer(measure('memoryTotalMb')),
      diskTotalGb: integer(measure('diskTotalGb')),
      driverVersion: version({ sql: sql`n.system ->> 'driverVersion'` }),
      cudaVersion: version({ sql: sql`n.system ->> 'cudaVersion'` }),
      inventoryGeneration: integer({
        sql: sql`n.inventory_generation`,
        min: 0,
        max: Number.MAX_SAFE_INTEGER,
      }),
      createdAt: timestamp({ sql: sql`n.created_at` }),
      updatedAt: timestamp({ sql: sql`n.updated_at` }),
      labels: labels({ sql: sql`n.labels` }),
      q: search({ match: contains(sql`n.hostname`), description: 'Occurs in the hostname.' }),
    },
    { regions: 'region.in', minMemoryMb: 'memoryTotalMb.gte' },
  ),
  sort: defineSort({
    id: { sql: sql`n.id`, type: 'uuid' },
    hostname: { sql: sql`n.hostname`, type: 'text' },
    createdAt: { sql: sql`n.created_at`, type: 'timestamptz' },
  }),
  fields: Object.keys(Node.properties).filter((name) => name !== 'gpus'),
  unlessFiltered: { lifecycle: sql`n.lifecycle <> 'retired'` },
};

/** An agent sees its own node, a provider its own nodes, everybody else all of them. */
export function visibleNodes({ role, providerId, nodeId }: Principal): Sql {
  if (role === 'agent') return sql`n.deleted_at IS NULL AND n.id = ${nodeId}::uuid`;
  if (role === 'provider') return sql`n.deleted_at IS NULL AND n.provider_id = ${providerId}::uuid`;
  return sql`n.deleted_at IS NULL`;
}
