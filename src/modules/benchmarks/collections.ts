import sql from 'sql-template-tag';
import type { Collection } from '../../kernel/db/list.ts';
import { boolean, text, uuid } from '../../kernel/filters/equality-kinds.ts';
import { defineFilters } from '../../kernel/filters/filters.ts';
import { number, timestamp } from '../../kernel/filters/ordered-kinds.ts';
import { defineSort } from '../../kernel/http/sort.ts';
import { Benchmark, largestValue } from './schemas.ts';

export const benchmarks: Collection = {
  name: 'benchmarks',
  filters: defineFilters({
    gpuId: uuid({ sql: sql`b.gpu_id` }),
    nodeId: uuid({ sql: sql`b.node_id` }),
    providerId: uuid({ sql: sql`b.provider_id` }),
    modelId: text({ sql: sql`b.model_id`, maxLength: 100 }),
    suite: text({ sql: sql`b.suite`, maxLength: 100 }),
    suiteVersion: text({ sql: sql`b.suite_version`, maxLength: 64 }),
    metric: text({ sql: sql`b.metric`, maxLength: 100 }),
    value: number({ sql: sql`b.value`, min: -largestValue, max: largestValue }),
    unit: text({ sql: sql`b.unit`, maxLength: 32 }),
    outlier: boolean({ sql: sql`b.outlier` }),
    source: text({ sql: sql`b.source` }),
    measuredAt: timestamp({ sql: sql`b.measured_at` }),
    createdAt: timestamp({ sql: sql`b.created_at` }),
  }),
  sort: defineSort({
    id: { sql: sql`b.id`, type: 'uuid' },
    value: { sql: sql`b.value`, type: 'double precision' },
    measuredAt: { sql: sql`b.measured_at`, type: 'timestamptz' },
    createdAt: { sql: sql`b.created_at`, type: 'timestamptz' },
  }),
  fields: Object.keys(Benchmark.properties),
};
