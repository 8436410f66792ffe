import { chmod, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Makes a data folder for a database that is thrown away with it: the account that PostgreSQL runs as where we are root
 * can enter it, so that the cluster lies inside and not in the shared home.
 */
export async function temporaryHome(prefix: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), prefix));
  await chmod(folder, 0o711);
  return folder;
}
