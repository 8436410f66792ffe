import { type ChildProcess, spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { pino } from 'pino';
import { startEmbedded } from '../../src/kernel/db/embedded.ts';
import { temporaryHome } from '../../src/kernel/db/temporary-home.ts';
import { freePort } from '../../src/kernel/free-port.ts';
import { migrateUp } from '../../src/kernel/migrations.ts';
import { cpuMsOf, cpuMsOfPostgres } from './cpu.ts';

export const operatorKey = 'operator-key-of-the-benchmark-0123456789';

/** What the goals are measured on: the built server in a process of its own, and its database. */
export interface World {
  url: string;
  owner: pg.Pool;
  ownerUrl: string;
  /** Resident memory of the server, in MiB. */
  residentMb(): Promise<number>;
  /** CPU time so far, in milliseconds: of the server, and of its database with all of its processes. */
  cpuMs(): { server: number; database: number };
  /** Starts a second server on the same database with other settings. */
  beside(env: Record<string, string>): Promise<{ url: string; stop(): Promise<void> }>;
  /** Ends the server and starts it again, as after a load of data, with other settings if need be. */
  restart(env?: Record<string, string>): Promise<void>;
  close(): Promise<void>;
}

interface ServerPlace {
  databaseUrl: string;
  dataDir: string;
  port: number;
}

/** What `npm start` gives Node. */
async function startArguments(): Promise<string[]> {
  const { scripts } = JSON.parse(await readFile('package.json', 'utf8')) as { scripts: { start: string } };
  return scripts.start.split(' ').slice(1);
}

async function startServer(
  { databaseUrl, dataDir, port }: ServerPlace,
  env: Record<string, string> = {},
): Promise<ChildProcess> {
  const child = spawn(process.execPath, await startArguments(), {
    env: {
      ...process.env,
      PORT: String(port),
      DATABASE_URL: databaseUrl,
      DATA_DIR: dataDir,
      OPERATOR_API_KEY: operatorKey,
      RATE_LIMIT_ENABLED: 'false',
      DATABASE_POOL_MAX: '16',
      // A fleet that SQL has loaded has no history: a look for drift would find nothing else.
      RECONCILE_INTERVAL_S: '0',
      ...env,
    },
    // A line for each request, as in production.
    stdio: ['ignore', openSync(join(dataDir, 'service.log'), 'a'), 'inherit'],
  });
  for (let tries = 0; tries < 300; tries++) {
    const ready = await fetch(`http://127.0.0.1:${port}/ready`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (ready) return child;
    if (child.exitCode !== null) break;
    await delay(200);
  }
  throw new Error('The server did not become ready.');
}

const urlOf = ({ port }: ServerPlace): string => `http://127.0.0.1:${port}`;

async function stopServer(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
}

/** Starts from nothing: an embedded PostgreSQL with its production settings (fsync on) and `npm run build`'s server. */
export async function createWorld(): Promise<World> {
  const dataDir = await temporaryHome('inv-bench-');
  const database = await startEmbedded({ dataDir, log: pino({ level: 'warn' }) });
  await migrateUp(database.ownerUrl);
  const place = { databaseUrl: database.url, dataDir, port: await freePort() };
  const owner = new pg.Pool({ connectionString: database.ownerUrl, max: 4 });
  let server = await startServer(place);
  return {
    url: urlOf(place),
    owner,
    ownerUrl: database.ownerUrl,
    async residentMb() {
      const status = await readFile(`/proc/${server.pid}/status`, 'utf8');
      return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
    },
    cpuMs: () => ({ server: cpuMsOf(server.pid), database: cpuMsOfPostgres(database.folder) }),
    async beside(env) {
      const besides = { ...place, port: await freePort() };
      const second = await startServer(besides, env);
      return { url: urlOf(besides), stop: () => stopServer(second) };
    },
    async restart(env) {
      await stopServer(server);
      server = await startServer(place, env);
    },
    async close() {
      await stopServer(server);
      await owner.end();
      await database.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
