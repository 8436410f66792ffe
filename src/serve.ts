import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import closeWithGrace from 'close-with-grace';
import type { Logger } from 'pino';
import { type Application, createApplication } from './app.ts';
import { type Config, loadConfig } from './config/index.ts';
import { startEmbedded } from './kernel/db/embedded.ts';
import { migrateUp } from './kernel/migrations.ts';
import { listenFailure } from './listen-failure.ts';
import { createLogger } from './logger.ts';
import { modules } from './modules.ts';

/** What has been opened, so that it can be closed in the opposite order. */
class Opened {
  readonly #closers: (() => Promise<void>)[] = [];

  add(close: () => Promise<void>): void {
    this.#closers.push(close);
  }

  async close(): Promise<void> {
    for (let close = this.#closers.pop(); close; close = this.#closers.pop()) await close();
  }
}

/**
 * Runs the service until a signal ends it; resolves once it takes traffic. Without `DATABASE_URL` it brings its own
 * PostgreSQL and migrates it; a given database is never migrated from here. SIGTERM or SIGINT: `/ready` turns 503, after
 * `SHUTDOWN_DELAY_MS` the listener closes, requests under way are answered, workers end, then the cache, the pool and
 * the embedded PostgreSQL; exit code 0, or 1 where that takes longer than 10 s or a second signal comes.
 * Throws, with everything closed again, when it cannot start.
 */
export async function serve(config: Config = loadConfig(modules)): Promise<void> {
  const log = createLogger(config.logLevel);
  const stopping = new AbortController();
  const opened = new Opened();
  const starting = start({ config, log, opened, signal: stopping.signal });
  const grace = closeWithGrace({ delay: 10_000 + config.shutdownDelayMs, logger: log }, async ({ err }) => {
    if (err) log.error({ err }, 'the service ends because of an error');
    stopping.abort();
    // What is being opened at this moment must not stay open behind our back.
    await starting.catch(() => {});
    await opened.close();
  });
  try {
    await starting;
  } catch (error) {
    if (stopping.signal.aborted) return;
    grace.uninstall();
    log.debug({ err: error }, 'the service cannot start');
    await opened.close();
    throw error;
  }
}

interface Start {
  config: Config;
  log: Logger;
  opened: Opened;
  signal: AbortSignal;
}

async function start({ config, log, opened, signal }: Start): Promise<void> {
  const databaseUrl = config.databaseUrl ?? (await startDatabase(config, log, opened));
  if (signal.aborted) return;
  const application = await createApplication({ ...config, databaseUrl }, log);
  signal.addEventListener('abort', () => application.startup.stop());
  opened.add(async () => {
    if (signal.aborted) await delay(config.shutdownDelayMs);
    await application.close();
  });
  if (signal.aborted) return;
  await listen(application, config);
  await application.startup.run();
  if (signal.aborted) return;
  const { port } = application.app.server.address() as AddressInfo;
  log.info({ docs: `http://${config.host}:${port}/docs` }, 'ready');
}

async function startDatabase({ dataDir }: Config, log: Logger, opened: Opened): Promise<string> {
  const embedded = await startEmbedded({ dataDir, log });
  opened.add(() => embedded.stop());
  const applied = await migrateUp(embedded.ownerUrl);
  log.info({ dataDir, applied: applied.length }, 'embedded database ready');
  return embedded.url;
}

async function listen({ app }: Application, { host, port }: Config): Promise<void> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    throw listenFailure(error, host, port);
  }
}
