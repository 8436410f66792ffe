import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exitCodes } from './exit-codes.ts';
import { Failure } from './failure.ts';
import type { Shell } from './shell.ts';

/** The operator key of the service of these settings: given, or the one that its first start has made. */
export async function operatorKey(shell: Shell): Promise<string> {
  const { operatorApiKey, dataDir } = shell.config();
  if (operatorApiKey) return operatorApiKey;
  const file = join(dataDir, 'operator.key');
  const text = await readFile(file, 'utf8').catch((cause: Error) => {
    throw new Failure(`No operator key: ${file} cannot be read. Give --key.`, exitCodes.unreadable, cause);
  });
  return text.trim();
}
