import sql from 'sql-template-tag';
import type { Static } from 'typebox';
import type { GpuModel } from './schemas.ts';
import { capabilityProperties, specProperties } from './spec-schemas.ts';

/** A model as the API shows it. */
export type ModelRow = Static<typeof GpuModel>;

/** A model as it is stored: `specs` and `capabilities` hold what is known, and no nulls. */
export const modelColumns = sql`
  m.id, m.vendor, m.name, m.aliases, m.pci_ids, m.specs, m.capabilities, m.source, m.version, m.created_at, m.updated_at`;

const unknown = (properties: object) =>
  Object.fromEntries(Object.keys(properties).map((name) => [name, null]));
const unknownSpecs = unknown(specProperties);
const unknownCapabilities = unknown(capabilityProperties);

/** A stored model as the API shows it: what is not known is null. */
export const shown = (row: ModelRow): ModelRow => ({
  ...row,
  specs: { ...unknownSpecs, ...row.specs },
  capabilities: { ...unknownCapabilities, ...row.capabilities },
});
