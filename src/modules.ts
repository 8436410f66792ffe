import type { ModuleDefinition, ModuleInstance } from './module.ts';
import { type AccessApi, access } from './modules/access/index.ts';
import { allocations } from './modules/allocations/index.ts';
import { benchmarks } from './modules/benchmarks/index.ts';
import { catalogue } from './modules/catalogue/index.ts';
import { health } from './modules/health/index.ts';
import { inventory } from './modules/inventory/index.ts';
import { liveness } from './modules/liveness/index.ts';
import { metrics } from './modules/metrics/index.ts';
import { processes } from './modules/processes/index.ts';
import { verifications } from './modules/verifications/index.ts';

/** Every module of the service, dependencies first. */
export const modules: readonly ModuleDefinition[] = [
  access,
  catalogue,
  inventory,
  liveness,
  allocations,
  benchmarks,
  health,
  verifications,
  metrics,
  processes,
];

/** The one module that the HTTP edge itself needs: who is calling, and may they. */
export const accessOf = (instances: ReadonlyMap<string, ModuleInstance<unknown>>): AccessApi =>
  instances.get(access.name)?.api as AccessApi;
