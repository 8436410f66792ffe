import sql from 'sql-template-tag';
import type { Static } from 'typebox';
import type { RequestContext } from '../../kernel/context.ts';
import { listPage, type Page, parseList } from '../../kernel/db/list.ts';
import { patchRow } from '../../kernel/db/patch.ts';
import { invalid, notFound } from '../../kernel/errors.ts';
import type { IfMatch } from '../../kernel/http/etag.ts';
import type { Kernel } from '../../module.ts';
import { gpuModels } from './collections.ts';
import { normalisePciDeviceId } from './domain.ts';
import type { LiveCatalogue } from './live-catalogue.ts';
import type { Vendor } from './model.ts';
import { modelIdOf, vendorOfId } from './model-id.ts';
import { type ModelRow, modelColumns, shown } from './queries.ts';
import type { CreateGpuModel, PatchGpuModel } from './schemas.ts';

type CreateInput = Static<typeof CreateGpuModel>;

export class GpuModelService {
  readonly #kernel: Pick<Kernel, 'db' | 'cursors'>;
  readonly #catalogue: LiveCatalogue;

  constructor(kernel: Pick<Kernel, 'db' | 'cursors'>, catalogue: LiveCatalogue) {
    this.#kernel = kernel;
    this.#catalogue = catalogue;
  }

  /** Adds a model, which this process resolves GPUs to from the answer on. */
  async create(ctx: RequestContext, input: CreateInput): Promise<ModelRow> {
    const id = idOf(input);
    const pciIds = canonicalPciIds(input.pciIds ?? [], input.vendor);
    const { vendor, name, aliases = [], specs = {}, capabilities = {}, source = 'operator' } = input;
    const model = await this.#kernel.db.write(ctx, async (tx) => {
      const row = (await tx.row<ModelRow>(sql`/* catalogue:create_model */
        INSERT INTO inventory.gpu_model AS m (id, vendor, name, aliases, pci_ids, specs, capabilities, source)
        VALUES (${id}, ${vendor}, ${name}, ${aliases}, ${pciIds}, jsonb_strip_nulls(${specs}::jsonb),
                jsonb_strip_nulls(${capabilities}::jsonb), ${source})
        RETURNING ${modelColumns}`)) as ModelRow;
      const after = {
        vendor,
        name,
        aliases,
        pciIds,
        specs: row.specs,
        capabilities: row.capabilities,
        source,
      };
      await tx.record({
        type: 'gpu_model.created',
        subject: { type: 'gpu_model', id },
        version: 1,
        diff: { after },
      });
      tx.invalidate('gpu-models');
      return shown(row);
    });
    this.#catalogue.put(model);
    return model;
  }

  list(query: Record<string, unknown>): Promise<Page<Partial<ModelRow>>> {
    const { db, cursors } = this.#kernel;
    const request = parseList(gpuModels, cursors, query, null);
    return listPage<ModelRow>(db, cursors, gpuModels, request, {
      columns: modelColumns,
      from: sql`inventory.gpu_model m`,
      visible: sql`TRUE`,
      map: shown,
    });
  }

  async get(id: string): Promise<ModelRow> {
    const row = await this.#kernel.db.row<ModelRow>(
      sql`/* catalogue:get_model */ SELECT ${modelColumns} FROM inventory.gpu_model m WHERE m.id = ${id}`,
    );
    if (!row) throw notFound('gpu_model');
    return shown(row);
  }

  /** Changes a model, built-in ones too: what an operator has set, a new release of the service leaves alone. */
  async patch(
    ctx: RequestContext,
    id: string,
    ifMatch: IfMatch | null,
    input: Static<typeof PatchGpuModel>,
  ): Promise<ModelRow> {
    const patch = input.pciIds ? { ...input, pciIds: canonicalPciIds(input.pciIds, vendorOfId(id)) } : input;
    const model = await this.#kernel.db.write(ctx, async (tx) => {
      const row = await patchRow<ModelRow>(tx, {
        resource: 'gpu_model',
        lock: sql`SELECT ${modelColumns} FROM inventory.gpu_model m WHERE m.id = ${id} FOR NO KEY UPDATE`,
        ifMatch,
        patch,
        update: ({ name, aliases, pciIds, specs, capabilities }) => sql`/* catalogue:update_model */
          UPDATE inventory.gpu_model m
             SET name = ${name}, aliases = ${aliases}, pci_ids = ${pciIds}, specs = ${specs},
                 capabilities = ${capabilities}, version = version + 1,
                 updated_at = inventory.moment_after(updated_at)
           WHERE m.id = ${id} RETURNING ${modelColumns}`,
      });
      tx.invalidate('gpu-models');
      return shown(row);
    });
    this.#catalogue.put(model);
    return model;
  }
}

/** The id that was asked for, or the one that the model's facts give. */
function idOf({ id, vendor, name, specs }: CreateInput): string {
  if (id !== undefined) {
    if (vendorOfId(id) !== vendor) throw invalid('/id', `must begin with another vendor than ${vendor} has`);
    return id;
  }
  const memoryTotalMb = specs?.memoryTotalMb ?? null;
  if (memoryTotalMb === null)
    throw invalid('/specs/memoryTotalMb', 'is needed where no id is given, which it is a part of');
  const made = modelIdOf(vendor, name, memoryTotalMb);
  if (made === null) throw invalid('/name', 'must hold more than the names of makers and brands');
  return made;
}

const canonicalPciIds = (ids: readonly string[], vendor: Vendor): string[] => [
  ...new Set(
    ids.map((text, index) => {
      const id = normalisePciDeviceId(text, vendor);
      if (id === null) throw invalid(`/pciIds/${index}`, 'must be a PCI device id such as 10de:2684');
      return id;
    }),
  ),
];
