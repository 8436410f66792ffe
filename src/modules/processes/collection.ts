import sql from 'sql-template-tag';
import type { Collection } from '../../kernel/db/list.ts';
import { enumeration, text, uuid } from '../../kernel/filters/equality-kinds.ts';
import { defineFilters } from '../../kernel/filters/filters.ts';
import { integer, timestamp } from '../../kernel/filters/ordered-kinds.ts';
import { defineSort } from '../../kernel/http/sort.ts';
import { GpuProcess, processStates } from './schemas.ts';

/** Processes of one GPU: those that run, unless others are asked for. */
export const processes: Collection = {
  name: 'processes',
  filters: defineFilters({
    state: enumeration(processStates, {
      sql: sql`CASE WHEN p.ended_at IS NULL THEN 'running' ELSE 'ended' END`,
      description: '`running` by default; `state.in=running,ended` for all.',
    }),
    pid: integer({ sql: sql`p.pid`, min: 0, max: 2_147_483_647 }),
    name: text({ sql: sql`p.name`, maxLength: 1024 }),
    user: text({ sql: sql`p."user"` }),
    memoryUsedMb: integer({ sql: sql`p.memory_used_mb`, min: 0, max: 2_147_483_647 }),
    startedAt: timestamp({ sql: sql`p.started_at` }),
    endedAt: timestamp({ sql: sql`p.ended_at` }),
    allocationId: uuid({ sql: sql`p.allocation_id` }),
  }),
  sort: defineSort({
    id: { sql: sql`p.id`, type: 'uuid' },
    startedAt: { sql: sql`p.started_at`, type: 'timestamptz' },
  }),
  fields: Object.keys(GpuProcess.properties),
  unlessFiltered: { state: sql`p.ended_at IS NULL` },
};
