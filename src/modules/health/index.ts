import { defineModule } from '../../module.ts';
import { inventory } from '../inventory/index.ts';
import { registerRoutes } from './routes.ts';
import { HealthService } from './service.ts';

/** Does a GPU or node work? Observations, and what follows from them. */
export const health = defineModule({
  name: 'health',
  dependsOn: [inventory],
  create(kernel) {
    const service = new HealthService(kernel);
    return { api: {}, routes: (app) => registerRoutes(app, service) };
  },
});
