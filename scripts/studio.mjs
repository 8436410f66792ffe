// Prisma Studio on the database of the settings; for development: its page asks Prisma's telemetry host. Run after
// `npm run build`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { withOwner } from '../dist/cli/owner.js';
import { loadConfig } from '../dist/config/index.js';

process.on('SIGINT', () => {}); // The terminal tells Studio as well; the database is closed after it.
process.exitCode = await withOwner({ config: () => loadConfig([]) }, async (url) => {
  const studio = spawn(
    process.execPath,
    ['node_modules/prisma/build/index.js', 'studio', ...process.argv.slice(2)],
    {
      stdio: 'inherit',
      env: { ...process.env, DATABASE_URL: url, CHECKPOINT_DISABLE: '1', PRISMA_HIDE_UPDATE_MESSAGE: '1' },
    },
  );
  const [code] = await once(studio, 'exit');
  return code ?? 0;
});
