import sql, { join, raw, type Sql } from 'sql-template-tag';
import type { Collection } from '../../../kernel/db/list.ts';
import { contains } from '../../../kernel/filters/contains.ts';
import { boolean, enumeration, labels, search, text, uuid } from '../../../kernel/filters/equality-kinds.ts';
import { type Field, field, scalar, typed } from '../../../kernel/filters/field.ts';
import { defineFilters } from '../../../kernel/filters/filters.ts';
import { decimal, integer, number, timestamp, version } from '../../../kernel/filters/ordered-kinds.ts';
import { defineSort } from '../../../kernel/http/sort.ts';
import type { CatalogueApi } from '../../catalogue/index.ts';
import { normalisePciBusId, normalisePciDeviceId } from '../../catalogue/index.ts';
import { ascendingPrice } from './cheapest.ts';
import {
  allocationStates,
  capabilityNames,
  columnOf,
  gpuLifecycles,
  healths,
  presences,
  specKinds,
  vendors,
} from './properties.ts';
import { levelAt, type SchedulingPolicy, schedulableAt } from './schedulability.ts';
import { Gpu } from './schemas.ts';
import { allocationStateAt, isAllocatedAt, memoryFreeMb } from './view.ts';

const state = (property: string): { sql: Sql } => ({ sql: raw(`s.${columnOf(property)}`) });
const ranked = (property: string): Field =>
  version({ ...state(property), rank: state(`${property}Rank`).sql });
const spec = (property: keyof typeof numericSpecs) => ({
  ...state(property),
  min: 0,
  max: numericSpecs[property].max,
});
const identity = (property: string) => ({ sql: raw(`g.${columnOf(property)}`), relation: 'gpu' });
const reading = (property: string, max: number) => ({
  sql: raw(`t.${columnOf(property)}`),
  relation: 'telemetry',
  min: 0,
  max,
});

const { architecture: _, computeCapability: __, ...numericSpecs } = specKinds;

const capabilities = Object.fromEntries(
  capabilityNames.map((name) => [name, boolean(state(name))]),
) as Record<(typeof capabilityNames)[number], Field>;

/** A text that has several spellings, compared in its canonical one. */
const spelled = (
  expects: string,
  maxLength: number,
  canonical: (text: string) => string | null,
  left: ReturnType<typeof identity>,
) =>
  scalar(
    {
      expects,
      schema: { type: 'string', minLength: 1, maxLength },
      parse: (given) => canonical(given) ?? undefined,
    },
    ['ne', 'in', 'nin', 'exists'],
    typed('text'),
    left,
  );

/** A model by its id, name or alias, as the catalogue knows it. */
const model = (catalogue: CatalogueApi): Field => ({
  ...field(
    {
      expects: 'text of 1 to 200 characters',
      schema: { type: 'string', minLength: 1, maxLength: 200 },
      parse: (given) => (given.length > 0 && given.length <= 200 ? given : undefined),
    },
    ['ne', 'in', 'nin'],
    { description: 'Id, name or alias of a model of the catalogue, or `uncatalogued`.' },
    (operator, operand) => {
      const ids = [operand].flat().flatMap((given) => catalogue.find(String(given)));
      const negated = operator === 'ne' || operator === 'nin';
      return sql`s.model_id ${negated ? sql`<> ALL` : sql`= ANY`}(${ids}::text[])`;
    },
  ),
  reading: { value: () => sql`s.model_id`, order: () => sql`s.model_id` },
});

/** In all of the text that people know a GPU by. */
const freeText = search({
  relation: 'gpu',
  description: 'Occurs in name, model id, hardware uuid or serial number.',
  match: (words) => sql`${contains(sql`g.name`)(words)} OR ${contains(sql`s.model_id`)(words)}
    OR ${contains(sql`g.uuid`)(words)} OR ${contains(sql`coalesce(g.serial, '')`)(words)}`,
});

const gpuFilters = (catalogue: CatalogueApi, policy: SchedulingPolicy) =>
  defineFilters(
    {
      ...capabilities,
      isAllocated: boolean({ sql: isAllocatedAt }),
      schedulable: boolean({ sql: (moment) => schedulableAt(moment, policy) }),
      allocationState: enumeration(allocationStates, { sql: allocationStateAt }),
      vendor: enumeration(vendors, state('vendor')),
      model: model(catalogue),
      modelId: text({ ...state('modelId'), maxLength: 100 }),
      name: text({ ...identity('name'), ignoreCase: true, maxLength: 200 }),
      memoryTotalMb: integer(spec('memoryTotalMb')),
      memoryFreeMb: integer({ sql: memoryFreeMb, relation: 'telemetry', min: 0, max: 2 ** 31 }),
      cudaCores: integer(spec('cudaCores')),
      streamingMultiprocessors: integer(spec('streamingMultiprocessors')),
      tensorCores: integer(spec('tensorCores')),
      architecture: text({ ...state('architecture'), ignoreCase: true, maxLength: 64 }),
      computeCapability: ranked('computeCapability'),
      memoryBandwidthGbps: number({ ...spec('memoryBandwidthGbps'), column: 'real' }),
      powerLimitW: number({ ...spec('powerLimitW'), column: 'real' }),
      pcieGeneration: integer(spec('pcieGeneration')),
      pcieWidth: integer(spec('pcieWidth')),
      driverVersion: ranked('driverVersion'),
      cudaVersion: ranked('cudaVersion'),
      vbiosVersion: text({ ...identity('vbiosVersion'), ignoreCase: true, maxLength: 64 }),
      region: text({ ...state('region'), maxLength: 64 }),
      lifecycle: enumeration(gpuLifecycles, {
        ...state('lifecycle'),
        description: 'Retired ones are shown only when asked for.',
      }),
      presence: enumeration(presences, state('presence')),
      health: enumeration(healths, state('health')),
      verificationLevel: integer({ sql: levelAt, min: 0, max: 4 }),
      reputation: number({
        ...state('reputation'),
        column: 'real',
        min: 0,
        max: 1,
        description: "The provider's.",
      }),
      pricePerHourNanoUsd: decimal(state('pricePerHourNanoUsd')),
      providerId: uuid(state('providerId')),
      nodeId: uuid(state('nodeId')),
      parentGpuId: uuid(identity('parentGpuId')),
      hostname: text({
        sql: sql`n.hostname`,
        relation: 'node',
        ignoreCase: true,
        description: "The node's.",
      }),
      uuid: text({ ...identity('uuid'), ignoreCase: true, maxLength: 128 }),
      serial: text({ ...identity('serial'), maxLength: 128 }),
      index: integer({ sql: sql`s.slot_index`, min: 0, max: 1023 }),
      pciBusId: spelled('a PCI address such as 0000:03:00.0', 16, normalisePciBusId, identity('pciBusId')),
      pciDeviceId: spelled(
        'a PCI device id such as 10de:2684',
        10,
        (given) => normalisePciDeviceId(given, 'other'),
        identity('pciDeviceId'),
      ),
      utilization: number({ ...reading('utilization', 100), column: 'real' }),
      memoryUsedMb: integer(reading('memoryUsedMb', 2 ** 31)),
      memoryUtilization: number({ ...reading('memoryUtilization', 100), column: 'real' }),
      temperatureC: number({ ...reading('temperatureC', 1000), min: -300, column: 'real' }),
      powerDrawW: number({ ...reading('powerDrawW', 100_000), column: 'real' }),
      fanSpeed: number({ ...reading('fanSpeed', 100), column: 'real' }),
      smClockMhz: integer(reading('smClockMhz', 100_000)),
      memoryClockMhz: integer(reading('memoryClockMhz', 100_000)),
      eccUncorrected: integer(reading('eccUncorrected', Number.MAX_SAFE_INTEGER)),
      createdAt: timestamp(identity('createdAt')),
      updatedAt: timestamp(state('updatedAt')),
      labels: labels(identity('labels')),
      q: freeText,
    },
    {
      minMemoryMb: 'memoryTotalMb.gte',
      regions: 'region.in',
      minReputation: 'reputation.gte',
      maxPricePerHourNanoUsd: 'pricePerHourNanoUsd.lte',
      minVerificationLevel: 'verificationLevel.gte',
    },
  );

/**
 * Unpriced GPUs come last in both directions. The ascending expression is the one of the indexes
 * `gpu_state_cheapest_*_idx`: a nullable key pages by an OR that no index can follow.
 */
const price = (direction: 'asc' | 'desc'): Sql =>
  direction === 'asc' ? ascendingPrice : sql`coalesce(s.price_per_hour_nano_usd, -1)`;

/** All but the price stay still, or move with the hardware alone; a GPU whose price changes during a walk may move. */
const gpuSort = defineSort({
  id: { sql: sql`s.gpu_id`, type: 'uuid' },
  name: { ...identity('name'), type: 'text' },
  modelId: { ...state('modelId'), type: 'text' },
  memoryTotalMb: { ...state('memoryTotalMb'), type: 'bigint', nullable: true },
  pricePerHourNanoUsd: { sql: price, type: 'bigint' },
  createdAt: { ...identity('createdAt'), type: 'timestamptz' },
});

/** What GPUs can be searched by, in lists and in requests for candidates alike; over `gpuRelations`. */
export const createGpuCollection = (catalogue: CatalogueApi, policy: SchedulingPolicy): Collection => ({
  name: 'gpus',
  filters: gpuFilters(catalogue, policy),
  sort: gpuSort,
  fields: Object.keys(Gpu.properties).filter((name) => name !== 'layers'),
  unlessFiltered: { lifecycle: sql`s.lifecycle <> 'retired'` },
});

/** What a filter may read beside `gpu_state s`, each joined only where it is read. */
const gpuRelations: Readonly<Record<string, Sql>> = {
  gpu: sql`JOIN inventory.gpu g ON g.id = s.gpu_id`,
  node: sql`JOIN inventory.node n ON n.id = s.node_id`,
  telemetry: sql`LEFT JOIN inventory.gpu_telemetry t ON t.gpu_id = s.gpu_id`,
};

/** `gpu_state s` with these relations and no others. */
export const gpuTablesOf = (read: ReadonlySet<string>): Sql =>
  join(
    [
      sql`inventory.gpu_state s`,
      ...Object.entries(gpuRelations).flatMap(([name, joined]) => (read.has(name) ? [joined] : [])),
    ],
    ' ',
  );
