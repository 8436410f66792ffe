import { createPool } from '../../kernel/db/pool.ts';
import { ensurePartitionsAhead, type Series } from '../../kernel/partitions.ts';
import { defineModule } from '../../module.ts';
import { Ingest } from './ingest.ts';
import { Pace } from './pace.ts';
import { registerRoutes } from './routes.ts';
import { HeartbeatService } from './service.ts';
import { livenessSettings } from './settings.ts';
import { Sweeper } from './sweeper.ts';

export interface LivenessApi {
  /** Milliseconds between two heartbeats of one node at the fleet's present size, before jitter. */
  intervalMs(): number;
}

const history = (keepDays: number): Series => ({ table: 'heartbeat', width: 'day', keepDays });

/** Which nodes are alive: takes heartbeats, and records who falls silent. */
export const liveness = defineModule({
  name: 'liveness',
  dependsOn: [],
  settings: livenessSettings,
  series: ({ retentionDays }) => [history(retentionDays)],
  create(kernel, _use, settings) {
    const { db, config, log } = kernel;
    const pace = new Pace(db, settings);
    const pool = createPool({
      url: config.databaseUrl ?? '',
      max: settings.connections,
      name: 'depin-inventory heartbeats',
      log,
    });
    const ingest = new Ingest({ db, pool, settings, pace });
    const sweeper = new Sweeper({ db, settings });
    const api: LivenessApi = { intervalMs: () => pace.intervalMs() };
    return {
      api,
      routes(app) {
        registerRoutes(app, kernel, new HeartbeatService({ db, ingest, pace }));
        app.addHook('onClose', () => ingest.close());
      },
      workers: [
        { name: 'liveness.fleet', intervalMs: 5000, run: () => pace.refresh() },
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
