import { systemClock } from '../../kernel/time.ts';
import { defineModule } from '../../module.ts';
import { Adoption } from './adoption.ts';
import { ensureBuiltInModels } from './built-in-models.ts';
import type { GpuIdentity } from './domain.ts';
import { modelExists } from './errors.ts';
import { LiveCatalogue } from './live-catalogue.ts';
import type { GpuModel } from './model.ts';
import { registerRoutes } from './routes.ts';
import { GpuModelService } from './service.ts';

export {
  type GpuIdentity,
  normalisePciBusId,
  normalisePciDeviceId,
  normaliseUuid,
  specMismatches,
  UNCATALOGUED,
} from './domain.ts';
export { type GpuCapabilities, type GpuModel, type GpuSpecs, type Vendor, vendors } from './model.ts';

/** Answers from memory: this process's own changes at once, those of other replicas within about 2 s. */
export interface CatalogueApi {
  /** The id of a GPU's model, or `uncatalogued`. */
  resolve(gpu: GpuIdentity): string;
  /** The model of that id; undefined for `uncatalogued`. */
  model(id: string): GpuModel | undefined;
  /** Ids of the models with this id, name or alias, whatever the spelling; an unknown text stands for itself. */
  find(text: string): readonly string[];
  /** Every model, in no order. */
  models(): readonly GpuModel[];
}

/** What GPU models there are, and which one a GPU is. */
export const catalogue = defineModule<CatalogueApi>({
  name: 'catalogue',
  dependsOn: [],
  constraints: { gpu_model_pkey: modelExists },
  create(kernel) {
    const live = new LiveCatalogue(kernel.db);
    const adoption = new Adoption({ db: kernel.db, catalogue: live, clock: systemClock });
    const service = new GpuModelService(kernel, live);
    return {
      api: {
        resolve: (gpu) => live.resolve(gpu),
        model: (id) => live.model(id),
        find: (text) => live.find(text),
        models: () => live.models(),
      },
      routes: (app) => registerRoutes(app, service, kernel.cache),
      workers: [
        {
          name: 'catalogue.follow',
          intervalMs: 2000,
          run: async () => {
            await live.refresh();
            await adoption.run();
          },
        },
      ],
      start: async () => {
        await ensureBuiltInModels(kernel.db);
        await live.refresh();
      },
    };
  },
});
