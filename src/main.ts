import { ConfigError } from './config/index.ts';
import { serve } from './serve.ts';

try {
  await serve();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  // 78 is EX_CONFIG of sysexits.h: starting again will not help.
  process.exit(error instanceof ConfigError ? 78 : 1);
}
