import sql from 'sql-template-tag';
import { integer } from '../../kernel/settings.ts';
import { defineModule } from '../../module.ts';
import { inventory } from '../inventory/index.ts';
import { orphanProcess } from './drift.ts';
import { registerRoutes } from './routes.ts';
import { ProcessService } from './service.ts';

const settings = {
  keepDays: integer('PROCESS_RETENTION_DAYS', 'Days for which processes are kept after their end', {
    default: 90,
    min: 1,
    max: 3650,
  }),
} as const;

/** What runs on GPUs, and for whom. */
export const processes = defineModule({
  name: 'processes',
  optional: true,
  dependsOn: [inventory],
  settings,
  drift: () => [orphanProcess],
  create(kernel, use, { keepDays }) {
    const { liveAllocations } = use(inventory);
    const service = new ProcessService({ kernel, liveAllocations });
    const prune = () =>
      kernel.db.execute(sql`/* processes:prune */
        DELETE FROM inventory.gpu_process WHERE id IN (
          SELECT id FROM inventory.gpu_process
           WHERE ended_at < clock_timestamp() - make_interval(days => ${keepDays}::integer)
           ORDER BY ended_at LIMIT 5000 FOR UPDATE SKIP LOCKED)`);
    return {
      api: {},
      routes: (app) => registerRoutes(app, service),
      workers: [{ name: 'processes.prune', intervalMs: 60_000, run: async () => void (await prune()) }],
    };
  },
});
