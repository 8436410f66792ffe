import type { ModelResolver } from '../../catalogue/domain.ts';
import type { GpuModel } from '../../catalogue/model.ts';

/** What the inventory asks of the catalogue, all of it in memory. */
export interface GpuCatalogue {
  /** The id of a GPU's model, or `uncatalogued`. */
  resolve: ModelResolver;
  /** A model by id. */
  model(id: string): GpuModel | undefined;
  /** Ids of the models with this id, name or alias, whatever the spelling; an unknown text stands for itself. */
  find(text: string): string[];
}
