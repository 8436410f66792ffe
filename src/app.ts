import { readFile } from 'node:fs/promises';
import type { FastifyPluginAsync } from 'fastify';
import type { Logger } from 'pino';
import type { Config } from './config/index.ts';
import { createHealthSource } from './health.ts';
import type { Cache } from './kernel/cache/cache.ts';
import { Database } from './kernel/db/database.ts';
import { toAppError } from './kernel/db/errors.ts';
import { createPool } from './kernel/db/pool.ts';
import { createPrisma } from './kernel/db/prisma.ts';
import { housekeeping } from './kernel/housekeeping.ts';
import { createCursorCodec, LateCursors } from './kernel/http/cursor.ts';
import { FailureLimiter } from './kernel/rates/failure-limiter.ts';
import { Replicas } from './kernel/replicas.ts';
import { systemClock } from './kernel/time.ts';
import { Workers } from './kernel/worker.ts';
import { createModules, driftOf, type Kernel, type ModuleInstance, seriesOf } from './module.ts';
import { accessOf, modules } from './modules.ts';
import { observeKernel } from './observe.ts';
import { authPlugin } from './plugins/auth.ts';
import { cachePlugin } from './plugins/cache.ts';
import { cors } from './plugins/cors.ts';
import { docsPages } from './plugins/docs/pages.ts';
import { idempotencyPlugin } from './plugins/idempotency.ts';
import { jsonParser } from './plugins/json-parser.ts';
import { methodNotAllowed } from './plugins/method-not-allowed.ts';
import { createMetrics, metrics } from './plugins/metrics.ts';
import { openapi } from './plugins/openapi/openapi.ts';
import { pressure } from './plugins/pressure.ts';
import { type HealthSource, probes } from './plugins/probes.ts';
import { problem } from './plugins/problem.ts';
import { rateLimit } from './plugins/rate-limit.ts';
import { requestId } from './plugins/request-id.ts';
import { securityHeaders } from './plugins/security-headers.ts';
import { type App, createServer } from './plugins/server/server.ts';
import { strictRequest } from './plugins/strict-request.ts';
import { timeLimit } from './plugins/time-limit.ts';
import { versionsPlugin } from './plugins/versions.ts';
import { reconcileWorkers } from './reconcile.ts';
import { release, tags } from './release.ts';
import { Startup } from './startup.ts';

export interface Application {
  app: App;
  kernel: Kernel;
  startup: Startup;
  /** Stops taking traffic, ends what runs, closes what it opened. */
  close(): Promise<void>;
}

/**
 * Puts the service together, and opens nothing to the network. The only place where parts meet. `announce` shows the
 * first operator key to whoever started the process.
 */
export async function createApplication(
  config: Config,
  log: Logger,
  announce: Kernel['announce'] = (text) => process.stdout.write(text),
): Promise<Application> {
  const pool = createPool({
    url: config.databaseUrl ?? '',
    max: config.databasePoolMax,
    name: 'depin-inventory',
    log,
    prepare: config.databasePrepare,
  });
  const db = new Database({
    pool,
    log,
    constraints: Object.assign({}, ...modules.map((m) => m.constraints)),
    prepare: config.databasePrepare,
  });
  const replicas = new Replicas(db);
  const app = createServer({ logger: log, trustProxy: config.trustProxy });
  const registry = createMetrics();
  const observe = observeKernel(registry, db);
  await app.register(cachePlugin, {
    redisUrl: config.redisUrl,
    maxEntries: config.cacheEntriesMax,
    prefix: 'dpi:',
    shape: release.version,
    log,
    replicas: () => replicas.count(),
    observe: observe.cache,
  });

  const cursors = new LateCursors();
  const kernel: Kernel = {
    config,
    log,
    announce,
    db,
    prisma: createPrisma(pool),
    cache: app.cache,
    cursors,
    metrics: registry,
  };
  const instances = createModules(kernel, modules);
  const workers = new Workers(log);
  const startup = new Startup({
    kernel,
    modules: [...instances.values()],
    first: replicas.worker(),
    workers,
    more: [
      ...housekeeping(db, seriesOf(modules, config)),
      ...reconcileWorkers(kernel, config, driftOf(modules, config)),
    ],
    onCursorSecret: (secret) => cursors.use(createCursorCodec(secret)),
  });
  announceCommits(db, app.cache, instances);
  await registerEdge(app, config, startup);
  await app.register(metrics, { metrics: registry, port: config.metricsPort ?? 0 });
  const health = createHealthSource({ kernel, cache: app.cache, startup, modules: instances });
  await registerRoutes(app, config, instances, health);
  return {
    app,
    kernel,
    startup,
    async close() {
      startup.stop();
      await workers.stop();
      await app.close();
      // Only now: a replica that thinks itself alone caches, and must not miss what the last requests changed.
      await replicas.leave().catch(() => {});
      await db.close();
    },
  };
}

/** After each commit and before its answer: cached answers go, modules are told. */
function announceCommits(
  db: Database,
  cache: Cache,
  instances: ReadonlyMap<string, ModuleInstance<unknown>>,
): void {
  db.onCommit(async (changes, tags) => {
    if (tags.length > 0) await cache.invalidate(tags);
    for (const { onChange } of instances.values()) onChange?.(changes);
  });
}

/** What every request passes before it reaches a route. */
async function registerEdge(app: App, config: Config, startup: Startup): Promise<void> {
  await app.register(requestId);
  await app.register(problem, { toAppError });
  await app.register(timeLimit);
  await app.register(securityHeaders);
  await app.register(cors, { origins: config.corsOrigin });
  await app.register(strictRequest);
  await app.register(methodNotAllowed);
  await app.register(jsonParser);
  await app.register(pressure);
  app.addHook('onRequest', (request, _reply, done) => {
    done((!request.routeOptions.config.probe && startup.blocked) || undefined);
  });
  await app.register(rateLimit, {
    enabled: config.rateLimitEnabled,
    keyOf: ({ ctx }) => ctx.principal.keyId || null,
  });
  await app.register(versionsPlugin);
}

async function registerRoutes(
  app: App,
  config: Config,
  instances: ReadonlyMap<string, ModuleInstance<unknown>>,
  health: HealthSource,
): Promise<void> {
  const access = accessOf(instances);
  await app.register(authPlugin, {
    access: {
      ...access,
      recall: ({ headers }) => access.recall(headers.authorization),
      authenticate: ({ headers }) => access.authenticate(headers.authorization),
    },
    failures: config.rateLimitEnabled ? new FailureLimiter(systemClock) : null,
  });
  await app.register(idempotencyPlugin);
  await app.register(openapi, { ...release, tags, config: { public: true } });
  await app.register(probes, { health, config: { public: true } });
  await app.register(docsPages, { errors: await readErrorsPage(), config: { public: true } });
  for (const { routes } of instances.values()) {
    const scope: FastifyPluginAsync = async (inner) => routes?.(inner as App);
    await app.register(scope);
  }
}

const readErrorsPage = () => readFile(new URL('../docs/errors.md', import.meta.url), 'utf8').catch(() => '');
