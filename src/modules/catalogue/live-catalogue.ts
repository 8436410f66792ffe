import sql from 'sql-template-tag';
import type { Database } from '../../kernel/db/database.ts';
import { createResolver, type GpuIdentity, type ModelResolver, normaliseName } from './domain.ts';
import { type ModelRow, modelColumns, shown } from './queries.ts';

/**
 * The catalogue in this process's memory: a few hundred models that every snapshot is resolved against. Of each model
 * the highest version wins, so that a slow read never undoes what this process has just written; models are never
 * deleted, so that nothing else can go stale.
 */
export class LiveCatalogue {
  readonly #db: Pick<Database, 'row' | 'rows'>;
  readonly #models = new Map<string, ModelRow>();
  #resolver: ModelResolver | null = null;
  #idsByName: Map<string, string[]> | null = null;

  constructor(db: Pick<Database, 'row' | 'rows'>) {
    this.#db = db;
  }

  put(...models: readonly ModelRow[]): void {
    for (const model of models) {
      if (model.version <= (this.#models.get(model.id)?.version ?? 0)) continue;
      this.#models.set(model.id, model);
      this.#resolver = null;
      this.#idsByName = null;
    }
  }

  model(id: string): ModelRow | undefined {
    return this.#models.get(id);
  }

  models(): readonly ModelRow[] {
    return [...this.#models.values()];
  }

  /** The id of a GPU's model, or `uncatalogued`. */
  resolve(gpu: GpuIdentity): string {
    this.#resolver ??= createResolver(this.models());
    return this.#resolver(gpu);
  }

  /** Ids of the models with this id, name or alias, whatever the spelling; an unknown text stands for itself. */
  find(text: string): readonly string[] {
    if (this.#models.has(text)) return [text];
    this.#idsByName ??= idsByName(this.models());
    return this.#idsByName.get(normaliseName(text)) ?? [text];
  }

  /** The sum of all versions: every change of the catalogue raises it, in whatever order changes commit. */
  get revision(): number {
    return this.models().reduce((sum, { version }) => sum + version, 0);
  }

  /** Takes over what other replicas have changed. */
  async refresh(): Promise<void> {
    const stored = await this.#db.row<{ revision: number }>(
      sql`/* catalogue:revision */ SELECT coalesce(sum(version), 0)::bigint AS revision FROM inventory.gpu_model`,
    );
    if (stored?.revision === this.revision) return;
    const rows = await this.#db.rows<ModelRow>(
      sql`/* catalogue:load_models */ SELECT ${modelColumns} FROM inventory.gpu_model m ORDER BY m.id`,
    );
    this.put(...rows.map(shown));
  }
}

/** Several models may share a name: the memory sizes of one product do. */
function idsByName(models: readonly ModelRow[]): Map<string, string[]> {
  const ids = new Map<string, string[]>();
  for (const { id, name, aliases } of models)
    for (const key of new Set([name, ...aliases].map(normaliseName)))
      ids.set(key, [...(ids.get(key) ?? []), id]);
  return ids;
}
