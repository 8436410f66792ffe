import { createPool } from '../../kernel/db/pool.ts';
import { ensurePartitionsAhead, type Series } from '../../kernel/partitions.ts';
import { defineModule } from '../../module.ts';
import { inventory } from '../inventory/index.ts';
import { registerBreakerRoutes } from './breaker/routes.ts';
import { BreakerService } from './breaker/service.ts';
import { Directives, type OrderSource } from './directives.ts';
import { windowMs } from './domain.ts';
import { registerIncidentRoutes } from './incidents/routes.ts';
import { Ingest } from './ingest.ts';
import { Pace } from './pace.ts';
import { type LivenessPorts, nobody } from './ports.ts';
import { registerRoutes } from './routes.ts';
import { HeartbeatService } from './service.ts';
import { livenessSettings } from './settings.ts';
import { Sweeper } from './sweeper.ts';
import { registerUptimeRoutes } from './uptime/routes.ts';
import { UptimeService } from './uptime/service.ts';

export type { Order } from './directives.ts';
export type { LivenessPorts } from './ports.ts';

export interface LivenessApi {
  /** Whoever has to know which nodes fall silent connects itself here. */
  connect(ports: LivenessPorts): void;
  /** Whoever has something to ask of nodes adds itself here. */
  connectOrders(source: OrderSource): void;
  /** Milliseconds between two heartbeats of one node at the fleet's present size, before jitter. */
  intervalMs(): number;
}

const history = (keepDays: number): Series => ({ table: 'heartbeat', width: 'day', keepDays });

/** Which nodes are alive: takes heartbeats, and records who falls silent. */
export const liveness = defineModule({
  name: 'liveness',
  dependsOn: [inventory],
  settings: livenessSettings,
  series: ({ retentionDays }) => [history(retentionDays)],
  create(kernel, _use, settings) {
    const { db, config, log } = kernel;
    const pace = new Pace(db, settings);
    const ports: LivenessPorts = { ...nobody };
    const pool = createPool({
      url: config.databaseUrl ?? '',
      max: settings.connections,
      name: 'depin-inventory heartbeats',
      log,
    });
    const ingest = new Ingest({ db, pool, settings, pace, ports });
    pace.watch(() => ingest.queued / settings.queueMax);
    const windowOfFleet = () => windowMs(pace.intervalMs());
    const sweeper = new Sweeper({ db, settings, windowMs: windowOfFleet, ports });
    const breaker = new BreakerService({ db, windowMs: windowOfFleet });
    const directives = new Directives();
    const api: LivenessApi = {
      connect: (connected) => Object.assign(ports, connected),
      connectOrders: (source) => directives.connect(source),
      intervalMs: () => pace.intervalMs(),
    };
    return {
      api,
      routes(app) {
        registerRoutes(app, kernel, new HeartbeatService({ db, ingest, pace, directives }));
        registerIncidentRoutes(app, kernel);
        registerBreakerRoutes(app, breaker);
        registerUptimeRoutes(app, new UptimeService(db));
        app.addHook('onClose', () => ingest.close());
      },
      workers: [
        { name: 'liveness.fleet', intervalMs: 5000, run: () => pace.refresh() },
        {
          name: 'liveness.directives',
          intervalMs: settings.directivesIntervalMs,
          run: () => directives.refresh(db),
        },
        { name: 'liveness.sweeper', intervalMs: settings.sweepIntervalMs, run: () => sweeper.sweep() },
      ],
      async start() {
        await ensurePartitionsAhead(db, history(settings.retentionDays));
        await pace.refresh();
      },
      health: async () => ({
        status: 'ok',
        detail: { queuedHeartbeats: ingest.queued, intervalMs: pace.intervalMs() },
      }),
    };
  },
});
