import sql from 'sql-template-tag';
import type { Queryable } from '../../../kernel/db/transaction.ts';
import { capabilityNames, specNames } from './properties.ts';
import type { GpuLayer } from './state.ts';

type Value = number | string | boolean;

/** What every source says of one property. */
export interface LayeredProperty {
  declared: Value | null;
  observed: Record<string, Value>;
  attested: Value | null;
  /** Whether all who know it say the same; null where fewer than two do. */
  agreement: boolean | null;
}

/** Tools count memory with and without what the driver keeps for itself: within 5 % is the same size. */
const memoryTolerance = 0.05;

function agree(name: string, a: Value, b: Value): boolean {
  if (name !== 'memoryTotalMb') return a === b;
  return Math.abs(Number(a) - Number(b)) <= memoryTolerance * Math.max(Number(a), Number(b));
}

function layered(name: string, layers: readonly GpuLayer[]): LayeredProperty {
  const said = layers.flatMap(({ layer, source, specs, capabilities }) => {
    const value = ({ ...specs, ...capabilities } as Record<string, Value | null>)[name] ?? null;
    return value === null ? [] : [{ layer, source, value }];
  });
  const [first, ...others] = said;
  return {
    declared: said.find(({ layer }) => layer === 'declared')?.value ?? null,
    observed: Object.fromEntries(
      said.filter(({ layer }) => layer === 'observed').map(({ source, value }) => [source, value]),
    ),
    attested: said.find(({ layer }) => layer === 'attested')?.value ?? null,
    agreement:
      first && others.length > 0 ? others.every(({ value }) => agree(name, first.value, value)) : null,
  };
}

/** The layers of a GPU by property: `{memoryTotalMb: {declared, observed: {agent}, attested, agreement}, …}`. */
export const byProperty = (layers: readonly GpuLayer[]): Record<string, LayeredProperty> =>
  Object.fromEntries([...specNames, ...capabilityNames].map((name) => [name, layered(name, layers)]));

/** What every source says of a GPU, by property. */
export async function readLayers(db: Queryable, gpuId: string): Promise<Record<string, LayeredProperty>> {
  return byProperty(
    await db.rows<GpuLayer>(sql`/* inventory:read_gpu_layers */
      SELECT l.layer, l.source, l.specs, l.capabilities FROM inventory.gpu_layer l
       WHERE l.gpu_id = ${gpuId} ORDER BY l.at DESC`),
  );
}
