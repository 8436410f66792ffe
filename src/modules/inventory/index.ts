import { boolean } from '../../kernel/settings.ts';
import { defineModule } from '../../module.ts';
import { access } from '../access/index.ts';
import { catalogue } from '../catalogue/index.ts';
import { constraints } from './errors.ts';
import type { GpuRegistry } from './gpus/registry.ts';
import { Gpu, GpuInput } from './gpus/schemas.ts';
import { Enrollment } from './nodes/enrollment.ts';
import { registerNodeRoutes } from './nodes/routes.ts';
import { NodeService } from './nodes/service.ts';
import { type InventoryPorts, noLedger } from './ports.ts';
import { registerProviderRoutes } from './providers/routes.ts';
import { ProviderService } from './providers/service.ts';

export { setGate } from './blocks.ts';
export type { InventoryPorts, LiveAllocation } from './ports.ts';

const settings = {
  openRegistration: boolean('OPEN_REGISTRATION', 'true lets anybody register as a pending provider', false),
} as const;

export interface InventoryApi {
  /** The module that keeps the ledger connects itself here; without one nothing is ever in use. */
  connect(ports: InventoryPorts): void;
}

/** The truth about providers, nodes and GPUs. */
export const inventory = defineModule<InventoryApi, typeof settings>({
  name: 'inventory',
  dependsOn: [access, catalogue],
  settings,
  constraints,
  create(kernel, use, { openRegistration }) {
    const keys = use(access);
    const ports: InventoryPorts = { ...noLedger };
    const gpus: GpuRegistry = {
      register: async () => [],
      withConflictFindings: (_ctx, write) => write(),
    };
    const enrollment = new Enrollment(kernel, keys);
    const nodes = new NodeService(kernel, keys);
    const providers = new ProviderService({ kernel, access: keys, gpus });
    return {
      api: {
        connect: (connected) => Object.assign(ports, connected),
      },
      routes(app) {
        for (const schema of [Gpu, GpuInput]) app.addSchema(schema);
        registerProviderRoutes(app, { providers, enrollment, openRegistration });
        registerNodeRoutes(app, { nodes, enrollment });
      },
    };
  },
});
