import { startEmbedded } from '../kernel/db/embedded.ts';
import type { Shell } from './shell.ts';

/**
 * Runs a command's work with the URL of the database's owner: `DATABASE_URL`, or the embedded server under `DATA_DIR`,
 * which is used where it runs and started for the while where it does not.
 */
export async function withOwner<T>(shell: Shell, work: (ownerUrl: string) => Promise<T>): Promise<T> {
  const { databaseUrl, dataDir } = shell.config();
  if (databaseUrl) return work(databaseUrl);
  const silent = { warn: () => {}, error: () => {} };
  const embedded = await startEmbedded({ dataDir, log: silent, attach: true });
  try {
    return await work(embedded.ownerUrl);
  } finally {
    await embedded.stop();
  }
}
