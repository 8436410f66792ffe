import { productWords } from './domain.ts';
import { type Vendor, vendors } from './model.ts';

/** Every slug: what a model may be asked for by. */
export const modelIdPattern = '^[a-z0-9]+(-[a-z0-9]+)*$';

/** `<vendor>-<model>-<memory>gb`: what a new model may be called; `uncatalogued` is none. */
export const newModelIdPattern = '^[a-z][a-z0-9]*(-[a-z0-9]+)+-[1-9][0-9]*gb$';

/**
 * The id that vendor, name and memory (MiB) give: `NVIDIA GeForce RTX 4090` with 24564 gives `nvidia-rtx-4090-24gb`.
 * Null where the name holds nothing but brand words.
 */
export function modelIdOf(vendor: Vendor, name: string, memoryTotalMb: number): string | null {
  const words = productWords(name);
  const memoryGb = Math.max(1, Math.round(memoryTotalMb / 1024));
  return words.length === 0 ? null : [vendor, ...words, `${memoryGb}gb`].join('-');
}

/** The vendor that an id begins with; a maker without a name of its own here is `other`. */
export function vendorOfId(id: string): Vendor {
  const maker = id.slice(0, id.indexOf('-'));
  return vendors.find((vendor) => vendor === maker) ?? 'other';
}
