import sql from 'sql-template-tag';
import type { Database } from '../../kernel/db/database.ts';
import { builtinModels } from './models/index.ts';

/**
 * Stores the built-in models that are missing; what operators have changed stays as it is. Replicas may start at once:
 * who comes second waits for the first and then finds nothing missing.
 */
export const ensureBuiltInModels = (db: Database): Promise<void> =>
  db.write({ worker: 'catalogue' }, async (tx) => {
    const models = new Map(builtinModels().map((model) => [model.id, model]));
    const inserted = await tx.rows<{ id: string }>(sql`/* catalogue:insert_built_in_models */
      INSERT INTO inventory.gpu_model (id, vendor, name, aliases, pci_ids, specs, capabilities, source)
      SELECT m.id, m.vendor, m.name, m.aliases, m."pciIds", jsonb_strip_nulls(m.specs),
             jsonb_strip_nulls(m.capabilities), m.source
        FROM jsonb_to_recordset(${JSON.stringify([...models.values()])}::jsonb)
          AS m(id text, vendor text, name text, aliases text[], "pciIds" text[], specs jsonb, capabilities jsonb,
               source text)
       ORDER BY m.id
          ON CONFLICT (id) DO NOTHING
      RETURNING id`);
    await tx.record(
      ...inserted.map(({ id }) => ({
        type: 'gpu_model.created',
        subject: { type: 'gpu_model', id },
        version: 1,
        diff: { after: models.get(id) ?? {} },
      })),
    );
    if (inserted.length > 0) tx.invalidate('gpu-models');
  });
