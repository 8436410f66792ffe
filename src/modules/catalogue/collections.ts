import sql, { raw, type Sql } from 'sql-template-tag';
import type { Collection } from '../../kernel/db/list.ts';
import { contains } from '../../kernel/filters/contains.ts';
import { boolean, enumeration, matching, search, text } from '../../kernel/filters/equality-kinds.ts';
import type { Field } from '../../kernel/filters/field.ts';
import { defineFilters } from '../../kernel/filters/filters.ts';
import { integer, number, timestamp, version } from '../../kernel/filters/ordered-kinds.ts';
import { defineSort } from '../../kernel/http/sort.ts';
import { type GpuCapabilities, type GpuSpecs, vendors } from './model.ts';
import { GpuModel } from './schemas.ts';
import { capabilityProperties } from './spec-schemas.ts';

/** One figure of `specs` as SQL of that type; the catalogue is small, so no index serves it. */
const spec = (name: keyof GpuSpecs, type: 'bigint' | 'double precision' | 'text'): Sql =>
  sql`(m.specs ->> ${raw(`'${name}'`)})::${raw(type)}`;

const count = (name: keyof GpuSpecs): Field =>
  integer({ sql: spec(name, 'bigint'), min: 0, max: 2 ** 31 - 1 });

const measure = (name: keyof GpuSpecs): Field =>
  number({ sql: spec(name, 'double precision'), min: 0, max: 1_000_000 });

const capabilities = Object.fromEntries(
  Object.keys(capabilityProperties).map((name) => [
    name,
    boolean({ sql: sql`(m.capabilities ->> ${raw(`'${name}'`)})::boolean` }),
  ]),
) as Record<keyof GpuCapabilities, Field>;

/** Whether a list of texts holds one of the names, whatever its case. */
const holds = (list: Sql) => (names: Sql) =>
  sql`EXISTS (SELECT FROM unnest(${list}) AS item, unnest(${names}) AS name WHERE lower(item) = lower(name))`;

const names = sql`array_to_string(m.id || (m.name || m.aliases), E'\n')`;

export const gpuModels: Collection = {
  name: 'gpu-models',
  filters: defineFilters(
    {
      id: text({ sql: sql`m.id`, maxLength: 100 }),
      vendor: enumeration(vendors, { sql: sql`m.vendor` }),
      name: text({ sql: sql`m.name`, ignoreCase: true }),
      alias: matching({ match: holds(sql`m.aliases`), description: 'One of its other names.' }),
      pciId: matching({ match: holds(sql`m.pci_ids`), description: 'One of its PCI ids, `10de:2684`.' }),
      memoryTotalMb: count('memoryTotalMb'),
      cudaCores: count('cudaCores'),
      streamingMultiprocessors: count('streamingMultiprocessors'),
      tensorCores: count('tensorCores'),
      architecture: text({ sql: spec('architecture', 'text'), ignoreCase: true }),
      computeCapability: version({ sql: spec('computeCapability', 'text') }),
      memoryBandwidthGbps: measure('memoryBandwidthGbps'),
      powerLimitW: measure('powerLimitW'),
      pcieGeneration: count('pcieGeneration'),
      pcieWidth: count('pcieWidth'),
      ...capabilities,
      source: text({ sql: sql`m.source` }),
      createdAt: timestamp({ sql: sql`m.created_at` }),
      updatedAt: timestamp({ sql: sql`m.updated_at` }),
      q: search({ match: contains(names), description: 'Occurs in its id, name or an alias.' }),
    },
    { minMemoryMb: 'memoryTotalMb.gte' },
  ),
  sort: defineSort({
    id: { sql: sql`m.id`, type: 'text' },
    name: { sql: sql`m.name`, type: 'text' },
    memoryTotalMb: { sql: spec('memoryTotalMb', 'bigint'), type: 'bigint', nullable: true },
  }),
  fields: Object.keys(GpuModel.properties),
};
