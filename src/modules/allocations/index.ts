import { filterBodySchema } from '../../kernel/filters/schema.ts';
import { integer, oneOf } from '../../kernel/settings.ts';
import { defineModule } from '../../module.ts';
import { access } from '../access/index.ts';
import { gpuRelations, inventory } from '../inventory/index.ts';
import { liveness } from '../liveness/index.ts';
import { CandidateService } from './candidates/service.ts';
import { ClaimService } from './claims/service.ts';
import { constraints } from './errors.ts';
import { openExplainer } from './explain/open.ts';
import { interruptions } from './life/domain.ts';
import { Drain } from './life/drain.ts';
import { Expiry } from './life/expiry.ts';
import { AllocationService } from './life/service.ts';
import { ledgerPorts, nodePorts } from './ports.ts';
import { usage } from './quotas/usage.ts';
import { ledgerDrift } from './reconcile/index.ts';
import { registerRoutes } from './routes.ts';

export { objectiveNames } from './claims/objectives.ts';

const settings = {
  sweepIntervalMs: integer(
    'ALLOCATION_SWEEP_INTERVAL_MS',
    'Milliseconds between two looks for holds, durations and drains that are over; reads and claims on holds do not wait for it',
    { default: 250, min: 10, max: 60_000 },
  ),
  interruptionPolicy: oneOf(
    'INTERRUPTION_POLICY',
    'What becomes of an allocation whose node goes offline or whose GPU is lost, unless it says so itself',
    interruptions,
    'release',
  ),
  interruptionGraceS: integer(
    'INTERRUPTION_GRACE_S',
    'Seconds that a node or GPU has to come back under the policy `grace`, unless the allocation says so itself',
    { default: 300, min: 1, max: 86_400 },
  ),
} as const;

/** Who uses which GPU: holds, allocations and the ledger that never gives a GPU out twice. */
export const allocations = defineModule({
  name: 'allocations',
  dependsOn: [access, inventory, liveness],
  settings,
  constraints,
  drift: ledgerDrift,
  create(kernel, use, { sweepIntervalMs, ...settings }) {
    const { connect, gpus, policy } = use(inventory);
    connect(ledgerPorts);
    use(liveness).connect(nodePorts);
    use(access).connect({ usage });
    const expiry = new Expiry(kernel.db);
    const drain = new Drain(kernel.db);
    const search = { filters: gpus.filters, relations: gpuRelations };
    const explainer = openExplainer(kernel, { collection: gpus, relations: gpuRelations, policy });
    const interruptions = { policy: settings.interruptionPolicy, graceS: settings.interruptionGraceS };
    const parts = { db: kernel.db, expiry, search, policy, explainer, interruptions };
    const claims = new ClaimService(parts);
    const candidates = new CandidateService(parts);
    const service = new AllocationService(kernel);
    return {
      api: {},
      routes(app) {
        app.addSchema(filterBodySchema(gpus.filters, 'GpuFilter'));
        registerRoutes(app, { candidates, claims, allocations: service });
        app.addHook('onClose', () => explainer.close());
      },
      workers: [
        {
          name: 'allocations.expiry',
          intervalMs: sweepIntervalMs,
          run: async () => void (await expiry.sweep()),
        },
        {
          name: 'allocations.drain',
          intervalMs: sweepIntervalMs,
          run: async () => void (await drain.sweep()),
        },
      ],
    };
  },
});
