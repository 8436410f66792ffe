import sql, { type Sql } from 'sql-template-tag';
import type { Principal } from '../../../kernel/context.ts';
import type { Collection } from '../../../kernel/db/list.ts';
import { contains } from '../../../kernel/filters/contains.ts';
import { enumeration, labels, search, text } from '../../../kernel/filters/equality-kinds.ts';
import { defineFilters } from '../../../kernel/filters/filters.ts';
import { number, timestamp } from '../../../kernel/filters/ordered-kinds.ts';
import { defineSort } from '../../../kernel/http/sort.ts';
import { providerKinds, providerLifecycles } from '../fields.ts';
import { Provider } from './schemas.ts';

export const providers: Collection = {
  name: 'providers',
  filters: defineFilters(
    {
      name: text({ sql: sql`p.name` }),
      email: text({ sql: sql`p.email`, ignoreCase: true }),
      walletAddress: text({ sql: sql`p.wallet_address` }),
      kind: enumeration(providerKinds, { sql: sql`p.kind` }),
      lifecycle: enumeration(providerLifecycles, { sql: sql`p.lifecycle` }),
      region: text({ sql: sql`p.region` }),
      country: text({ sql: sql`p.country` }),
      reputation: number({ sql: sql`p.reputation`, min: 0, max: 1, description: 'Lower confidence bound.' }),
      createdAt: timestamp({ sql: sql`p.created_at` }),
      updatedAt: timestamp({ sql: sql`p.updated_at` }),
      labels: labels({ sql: sql`p.labels` }),
      q: search({ match: contains(sql`p.name`), description: 'Occurs in the name.' }),
    },
    { regions: 'region.in', minReputation: 'reputation.gte' },
  ),
  sort: defineSort({
    id: { sql: sql`p.id`, type: 'uuid' },
    name: { sql: sql`p.name`, type: 'text' },
    createdAt: { sql: sql`p.created_at`, type: 'timestamptz' },
  }),
  fields: Object.keys(Provider.properties),
  unlessFiltered: { lifecycle: sql`p.lifecycle <> 'retired'` },
};

/** A provider and its agents see their own provider, everybody else all of them. */
export const visibleProviders = ({ role, providerId }: Principal): Sql =>
  role === 'provider' || role === 'agent'
    ? sql`p.deleted_at IS NULL AND p.id = ${providerId}::uuid`
    : sql`p.deleted_at IS NULL`;
