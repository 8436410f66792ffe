import { setTimeout as delay } from 'node:timers/promises';
import closeWithGrace from 'close-with-grace';
import type { Logger } from 'pino';
import { createApplication } from './app.ts';
import { type Config, loadConfig } from './config/index.ts';
import { type EmbeddedDatabase, startEmbedded } from './kernel/db/embedded.ts';
import { migrateUp } from './kernel/migrations.ts';
import { createLogger } from './logger.ts';
import { modules } from './modules.ts';

/**
 * Runs the service until a signal ends it. Without `DATABASE_URL` it brings its own PostgreSQL and migrates it; a
 * given database is never migrated from here.
 */
export async function serve(config: Config = loadConfig(modules)): Promise<void> {
  const log = createLogger(config.logLevel);
  const embedded = config.databaseUrl === null ? await startDatabase(config, log) : null;
  const databaseUrl = config.databaseUrl ?? embedded?.url ?? null;
  const application = await createApplication({ ...config, databaseUrl }, log);
  closeWithGrace({ delay: 10_000, logger: log }, async ({ err }) => {
    if (err) log.error({ err }, 'the service ends because of an error');
    application.startup.stop();
    await delay(config.shutdownDelayMs);
    await application.close();
    await embedded?.stop();
  });
  await application.app.listen({ host: config.host, port: config.port });
  await application.startup.run();
  log.info({ docs: `http://${config.host}:${boundPort(application.app.server.address())}/docs` }, 'ready');
}

async function startDatabase({ dataDir }: Config, log: Logger): Promise<EmbeddedDatabase> {
  const embedded = await startEmbedded({ dataDir, log });
  const applied = await migrateUp(embedded.ownerUrl);
  log.info({ dataDir, applied: applied.length }, 'embedded database ready');
  return embedded;
}

const boundPort = (address: ReturnType<import('node:net').Server['address']>): number | string =>
  typeof address === 'object' ? (address?.port ?? '') : (address ?? '');
