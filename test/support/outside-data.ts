import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe } from '@jest/globals';

const root = resolve(process.env.INVENTORY_DATA_DIR ?? '../shared/data');

/**
 * The path of recorded data of real machines, kept outside the project (`INVENTORY_DATA_DIR`), or `null` where it
 * is absent: the tests over it are then skipped, and one line says so.
 */
export function outsideData(relative: string): string | null {
  const path = join(root, relative);
  if (existsSync(path)) return path;
  process.stderr.write(
    `Left out: tests over ${relative}, which is not under ${root} (INVENTORY_DATA_DIR).\n`,
  );
  return null;
}

/** A `describe` for tests over outside data: left out where these are absent, which `outsideData` has then said. */
export const describeOver = (data: string | null): typeof describe | typeof describe.skip =>
  data === null ? describe.skip : describe;
