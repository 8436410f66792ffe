import { filterBodySchema } from '../../kernel/filters/schema.ts';
import { defineModule } from '../../module.ts';
import { access } from '../access/index.ts';
import { inventory } from '../inventory/index.ts';
import { liveness } from '../liveness/index.ts';
import { registerAvailabilityRoute } from './availability/routes.ts';
import { AvailabilityService } from './availability/service.ts';
import { CandidateService } from './candidates/service.ts';
import { openCensus } from './census.ts';
import { ClaimService } from './claims/service.ts';
import { registerCleaningRoutes } from './cleaning/routes.ts';
import { CleaningService } from './cleaning/service.ts';
import { CleaningTimeouts } from './cleaning/timeouts.ts';
import { constraints } from './errors.ts';
import { Explainer } from './explain/explainer.ts';
import { Drain } from './life/drain.ts';
import { Expiry } from './life/expiry.ts';
import { AllocationService } from './life/service.ts';
import { stepsWith } from './life/transition.ts';
import { registerMoveRoute } from './moves/routes.ts';
import { MoveService } from './moves/service.ts';
import { ledgerPorts, nodePorts } from './ports.ts';
import { usage } from './quotas/usage.ts';
import { ledgerDrift } from './reconcile/index.ts';
import { registerRoutes } from './routes.ts';
import { allocationSettings, cleaningOf } from './settings.ts';

export { objectiveNames } from './claims/objectives.ts';

/** Who uses which GPU: holds, allocations and the ledger that never gives a GPU out twice. */
export const allocations = defineModule({
  name: 'allocations',
  dependsOn: [access, inventory, liveness],
  settings: allocationSettings,
  constraints,
  drift: (settings) => ledgerDrift(cleaningOf(settings)),
  create(kernel, use, { sweepIntervalMs, ...settings }) {
    const { connect, gpus, walkOf, policy } = use(inventory);
    const cleaning = cleaningOf(settings);
    const step = stepsWith(cleaning);
    connect(ledgerPorts(step));
    use(liveness).connect(nodePorts);
    const { connect: connectTenants, authorize } = use(access);
    connectTenants({ usage });
    const expiry = new Expiry(kernel.db, step);
    const drain = new Drain(kernel.db, step);
    const search = { filters: gpus.filters, walkOf };
    const census = openCensus(kernel);
    const explainer = new Explainer({ census, log: kernel.log, search: { collection: gpus, policy } });
    const availability = new AvailabilityService({ cache: kernel.cache, census, collection: gpus, policy });
    const interruptions = { policy: settings.interruptionPolicy, graceS: settings.interruptionGraceS };
    const parts = { db: kernel.db, expiry, search, policy, explainer, interruptions };
    const claims = new ClaimService(parts);
    const candidates = new CandidateService({ ...parts, authorize });
    const service = new AllocationService(kernel, step);
    const moves = new MoveService({
      ...parts,
      candidates,
      allocations: service,
      rules: { policy, cleaning },
    });
    const timeouts = new CleaningTimeouts(kernel.db);
    return {
      api: {},
      routes(app) {
        app.addSchema(filterBodySchema(gpus.filters, 'GpuFilter'));
        registerRoutes(app, { candidates, claims, allocations: service });
        registerAvailabilityRoute(app, availability, gpus);
        registerMoveRoute(app, moves);
        registerCleaningRoutes(app, new CleaningService(kernel.db));
        app.addHook('onClose', () => census.close());
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
        {
          name: 'allocations.cleaning',
          intervalMs: Math.max(1000, sweepIntervalMs),
          run: async () => void (await timeouts.sweep()),
        },
      ],
    };
  },
});
