import type { Collection } from '../../kernel/db/list.ts';
import type { FilterAst } from '../../kernel/filters/filters.ts';
import { boolean, integer } from '../../kernel/settings.ts';
import { defineModule } from '../../module.ts';
import { access } from '../access/index.ts';
import { catalogue } from '../catalogue/index.ts';
import { duplicateSlot, staleGate } from './drift.ts';
import { constraints } from './errors.ts';
import { GpuBatchService } from './gpus/batch.ts';
import { type Walk, walkOf } from './gpus/cheapest.ts';
import { GpuRegistrar } from './gpus/registrar.ts';
import { registerGpuRoutes } from './gpus/routes.ts';
import type { SchedulingPolicy } from './gpus/schedulability.ts';
import { Gpu, GpuInput } from './gpus/schemas.ts';
import { GpuService } from './gpus/service.ts';
import { maintenanceConstraints } from './maintenance/errors.ts';
import { registerMaintenanceRoutes } from './maintenance/routes.ts';
import { MaintenanceService } from './maintenance/service.ts';
import { maintenanceSettings } from './maintenance/settings.ts';
import { Enrollment } from './nodes/enrollment.ts';
import { registerNodeRoutes } from './nodes/routes.ts';
import { NodeService } from './nodes/service.ts';
import { type InventoryPorts, noLedger } from './ports.ts';
import { registerProviderRoutes } from './providers/routes.ts';
import { ProviderService } from './providers/service.ts';
import { registerSnapshotRoutes } from './snapshots/routes.ts';
import { SnapshotService } from './snapshots/service.ts';

export { setGate } from './blocks.ts';
export { attestGpu } from './gpus/attestation.ts';
export { alongIndexes, isOneWalk, type Walk } from './gpus/cheapest.ts';
export { gpuTablesOf } from './gpus/collection.ts';
export { openFindings, resolveFindings } from './gpus/findings.ts';
export { type GatedGpu, quarantine, turnGates } from './gpus/quarantine.ts';
export { gatesAt, levelAt, type SchedulingPolicy, schedulableAt } from './gpus/schedulability.ts';
export { allocationStateAt, visibleGpus } from './gpus/view.ts';
export type { InventoryPorts, LiveAllocation } from './ports.ts';
export { visibleProviders } from './providers/collection.ts';
export { type GpuSubject, type Health, lockGpu, lockNode, type NodeSubject, revise } from './subjects.ts';

const settings = {
  openRegistration: boolean('OPEN_REGISTRATION', 'true lets anybody register as a pending provider', false),
  minVerificationLevel: integer(
    'MIN_VERIFICATION_LEVEL',
    'Verification level that a GPU must have to be given out',
    { default: 0, min: 0, max: 4 },
  ),
  ...maintenanceSettings,
} as const;

export interface InventoryApi {
  /** The module that keeps the ledger connects itself here; without one nothing is ever in use. */
  connect(ports: InventoryPorts): void;
  /** What the ledger says of GPUs, for others. */
  liveAllocations: InventoryPorts['liveAllocations'];
  /** What GPUs can be searched by; its SQL reads `gpu_state s` and what `gpuTablesOf` adds. */
  gpus: Collection;
  /** How free GPUs that a filter lets pass are found. */
  walkOf(filters: FilterAst): Walk;
  /** What `schedulableAt` and `gatesAt` ask of every GPU. */
  policy: SchedulingPolicy;
}

/** The truth about providers, nodes and GPUs. */
export const inventory = defineModule<InventoryApi, typeof settings>({
  name: 'inventory',
  dependsOn: [access, catalogue],
  settings,
  constraints: { ...constraints, ...maintenanceConstraints },
  drift: () => [staleGate, duplicateSlot],
  create(kernel, use, { openRegistration, minVerificationLevel, ...rules }) {
    const keys = use(access);
    const ports: InventoryPorts = { ...noLedger };
    const models = use(catalogue);
    const policy = { minVerificationLevel };
    const registrar = new GpuRegistrar(kernel.db, models, policy);
    const gpus = new GpuService({ kernel, catalogue: models, registrar, policy });
    const batches = new GpuBatchService({ db: kernel.db, registrar, gpus });
    const snapshots = new SnapshotService({ kernel, catalogue: models, registrar, ports });
    const enrollment = new Enrollment(kernel, keys);
    const nodes = new NodeService(kernel, keys);
    const providers = new ProviderService({ kernel, access: keys, gpus: registrar });
    const maintenance = new MaintenanceService({ kernel, ports, rules });
    return {
      api: {
        connect: (connected) => Object.assign(ports, connected),
        liveAllocations: (tx, gpuIds) => ports.liveAllocations(tx, gpuIds),
        gpus: gpus.collection,
        walkOf: (filters) => walkOf(filters, models.find),
        policy,
      },
      routes(app) {
        for (const schema of [Gpu, GpuInput]) app.addSchema(schema);
        registerProviderRoutes(app, { providers, enrollment, openRegistration });
        registerNodeRoutes(app, { nodes, enrollment });
        registerGpuRoutes(app, { gpus, batches });
        registerSnapshotRoutes(app, snapshots);
        registerMaintenanceRoutes(app, maintenance);
      },
      workers: [{ name: 'inventory.maintenance', intervalMs: 1000, run: () => maintenance.bringBack() }],
    };
  },
});
