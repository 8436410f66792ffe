import type { Logger } from 'pino';
import type { Config } from './config/index.ts';
import { Database } from './kernel/db/database.ts';
import { toAppError } from './kernel/db/errors.ts';
import { createPool } from './kernel/db/pool.ts';
import { createPrisma } from './kernel/db/prisma.ts';
import { type CursorCodec, createCursorCodec } from './kernel/http/cursor.ts';
import { type App, createServer } from './kernel/http/server.ts';
import { Replicas } from './kernel/replicas.ts';
import { Workers } from './kernel/worker.ts';
import { createModules, type Kernel, type ModuleInstance } from './module.ts';
import type { AccessApi } from './modules/access/index.ts';
import { modules } from './modules.ts';
import { authPlugin } from './plugins/auth.ts';
import { idempotencyPlugin } from './plugins/idempotency.ts';
import { jsonParser } from './plugins/json-parser.ts';
import { methodNotAllowed } from './plugins/method-not-allowed.ts';
import { problem } from './plugins/problem.ts';
import { requestId } from './plugins/request-id.ts';
import { strictRequest } from './plugins/strict-request.ts';
import { versionsPlugin } from './plugins/versions.ts';
import { Startup } from './startup.ts';

export interface Application {
  app: App;
  startup: Startup;
  /** Stops taking traffic, ends what runs, closes what it opened. */
  close(): Promise<void>;
}

/** Puts the service together; nothing is opened to the network before `app.listen`. */
export async function createApplication(config: Config, log: Logger): Promise<Application> {
  const pool = createPool({
    url: config.databaseUrl ?? '',
    max: config.databasePoolMax,
    name: 'depin-inventory',
    log,
  });
  const db = new Database({
    pool,
    log,
    constraints: Object.assign({}, ...modules.map((m) => m.constraints)),
  });
  const cursors = new LateCursors();
  const kernel: Kernel = { config, log, db, prisma: createPrisma(pool), cursors };
  const instances = createModules(kernel, modules);
  const workers = new Workers(log);
  const replicas = new Replicas(db);
  const startup = new Startup({
    kernel,
    modules: [{ api: null, workers: [replicas.worker()] }, ...instances],
    workers,
    onCursorSecret: (secret) => cursors.use(createCursorCodec(secret)),
  });
  db.onCommit(async (changes) => {
    for (const instance of instances) instance.onChange?.(changes);
  });
  const app = await createHttp(config, log, startup, instances);
  return {
    app,
    startup,
    async close() {
      startup.stop();
      await app.close();
      await workers.stop();
      await replicas.leave().catch(() => {});
      await db.close();
    },
  };
}

async function createHttp(
  config: Config,
  log: Logger,
  startup: Startup,
  instances: readonly ModuleInstance<unknown>[],
): Promise<App> {
  const app = createServer({ logger: log, trustProxy: config.trustProxy });
  const access = instances[0]?.api as AccessApi;
  await app.register(requestId);
  await app.register(problem, { toAppError });
  await app.register(strictRequest);
  await app.register(methodNotAllowed);
  await app.register(jsonParser);
  app.addHook('onRequest', async (request) => {
    if (startup.blocked && !request.routeOptions.config.probe) throw startup.blocked;
  });
  await app.register(authPlugin, {
    access: { ...access, authenticate: (request) => access.authenticate(request.headers.authorization) },
  });
  await app.register(idempotencyPlugin);
  await app.register(versionsPlugin);
  for (const { routes } of instances) {
    await app.register(async (scope) => routes?.(scope as App));
  }
  return app;
}

/** Cursors are signed with a key that lies in the database: there is none before the first connection. */
class LateCursors implements CursorCodec {
  #codec: CursorCodec | undefined;

  use(codec: CursorCodec): void {
    this.#codec = codec;
  }

  encode(...args: Parameters<CursorCodec['encode']>): ReturnType<CursorCodec['encode']> {
    return this.#ready().encode(...args);
  }

  decode(...args: Parameters<CursorCodec['decode']>): ReturnType<CursorCodec['decode']> {
    return this.#ready().decode(...args);
  }

  #ready(): CursorCodec {
    if (!this.#codec) throw new Error('A cursor was used before the service had started.');
    return this.#codec;
  }
}
