import { defineModule } from '../../module.ts';
import { catalogue } from '../catalogue/index.ts';
import { registerRoutes } from './routes.ts';
import { BenchmarkService } from './service.ts';

/** Measured numbers of named suites, and how a GPU compares with others of its model. */
export const benchmarks = defineModule({
  name: 'benchmarks',
  optional: true,
  dependsOn: [catalogue],
  create(kernel) {
    const service = new BenchmarkService(kernel);
    return { api: {}, routes: (app) => registerRoutes(app, service) };
  },
});
