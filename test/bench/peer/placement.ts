import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePort } from '../../../src/kernel/free-port.ts';
import type { Answer } from '../load.ts';

/** Programs of Debian's packages; all of them, or there is no comparison. */
const programs = ['/usr/bin/placement-api', '/usr/bin/placement-manage', '/usr/bin/uwsgi_python3'];

export const isInstalled = (): boolean => programs.every((program) => existsSync(program));

export const packages = 'placement-api uwsgi-core uwsgi-plugin-python3 python3-psycopg2';

/** Hosts; each has 1, 2, 4 or 8 GPUs, one trait for their model and one for its region. */
const hosts = 10_000;
export const models = 24;
export const regions = 12;

/** OpenStack Placement on a database of its own beside ours, in the same server. */
export interface Placement {
  gpus: number;
  /** The trait that most hosts have. */
  commonModel: string;
  send(method: 'GET' | 'PUT', path: string, body?: object): Promise<Answer>;
  /** A host that has GPUs, whatever is used of them. */
  randomHost(): string;
  /** Hosts that have more in use than they have: must be none. */
  overbooked(): Promise<number>;
  stop(): Promise<void>;
}

export const modelTrait = (n: number): string => `CUSTOM_MODEL_${n}`;
export const regionTrait = (n: number): string => `CUSTOM_REGION_${n}`;

export async function startPlacement(ownerUrl: string): Promise<Placement> {
  const folder = await mkdtemp(join(tmpdir(), 'inv-placement-'));
  const database = await createDatabase(ownerUrl);
  await writeFile(
    join(folder, 'placement.conf'),
    `[DEFAULT]\ndebug = false\n[api]\nauth_strategy = noauth2\n[placement_database]\nconnection = ${database.replace('postgresql:', 'postgresql+psycopg2:')}\n`,
  );
  await promisify(execFile)('/usr/bin/placement-manage', ['--config-dir', folder, 'db', 'sync']);
  const port = await freePort();
  const server = startServer(folder, port);
  const send: Placement['send'] = (method, path, body) => call(port, method, path, body);
  const pool = new pg.Pool({ connectionString: database, max: 2 });
  try {
    await answering(server, send);
    await pool.query(fleet);
    await pool.query('VACUUM ANALYZE');
    const { rows } = await pool.query<{ uuid: string; total: number }>(
      'SELECT p.uuid, i.total FROM resource_providers p JOIN inventories i ON i.resource_provider_id = p.id',
    );
    return {
      gpus: rows.reduce((sum, { total }) => sum + total, 0),
      commonModel: modelTrait(0),
      send,
      randomHost: () => rows[Math.floor(Math.random() * rows.length)]?.uuid ?? '',
      async overbooked() {
        const found = await pool.query(
          `SELECT FROM inventories i JOIN allocations a USING (resource_provider_id, resource_class_id)
            GROUP BY i.id, i.total HAVING sum(a.used) > i.total`,
        );
        return found.rowCount ?? 0;
      },
      stop: () => stop(server, pool, folder),
    };
  } catch (error) {
    await stop(server, pool, folder);
    throw error;
  }
}

async function createDatabase(ownerUrl: string): Promise<string> {
  const owner = new pg.Client({ connectionString: ownerUrl });
  await owner.connect();
  await owner.query('CREATE DATABASE placement');
  await owner.end();
  const url = new URL(ownerUrl);
  url.pathname = '/placement';
  return url.href;
}

/** Two processes, as there are two cores; it closes every connection after its answer. */
function startServer(folder: string, port: number): ChildProcess {
  const settings = ['--http-socket', `127.0.0.1:${port}`, '--wsgi-file', '/usr/bin/placement-api'];
  const processes = ['--processes', '2', '--master', '--lazy-apps', '--need-app', '--die-on-term'];
  const rest = ['--buffer-size', '65535', '--listen', '100', '--disable-logging'];
  return spawn('/usr/bin/uwsgi_python3', [...settings, ...processes, ...rest], {
    env: { PATH: '/usr/bin:/bin', OS_PLACEMENT_CONFIG_DIR: folder },
    stdio: 'ignore',
  });
}

async function answering(server: ChildProcess, send: Placement['send']): Promise<void> {
  for (let tries = 0; tries < 150 && server.exitCode === null; tries++) {
    const answer = await send('GET', '/resource_providers?name=none').catch(() => null);
    if (answer?.status === 200) return;
    await delay(200);
  }
  throw new Error('Placement does not answer.');
}

async function stop(server: ChildProcess, pool: pg.Pool, folder: string): Promise<void> {
  if (server.exitCode === null) {
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGTERM');
    await ended;
  }
  await pool.end();
  await rm(folder, { recursive: true });
}

/** A body needs Content-Length: a chunked one is answered 400. */
function call(port: number, method: string, path: string, body?: object): Promise<Answer> {
  const payload = body === undefined ? undefined : JSON.stringify(body);
  const headers = {
    'x-auth-token': 'admin',
    'openstack-api-version': 'placement 1.39',
    ...(payload !== undefined && {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(payload),
    }),
  };
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () =>
        resolve({ status: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
      );
    });
    outgoing.on('error', reject);
    outgoing.end(payload);
  });
}

/** The skew of our own fleet: the first models more often than the last. */
const modelOf = `floor(((hashint4(n * 31) & 65535) / 65536.0) * ((hashint4(n * 17) & 65535) / 65536.0) * ${models})::int`;

/** By SQL, as ours. Its server has made the standard resource classes by the time it answers. */
const fleet = `
  INSERT INTO traits (name) SELECT 'CUSTOM_MODEL_' || n FROM generate_series(0, ${models - 1}) n
    UNION ALL SELECT 'CUSTOM_REGION_' || n FROM generate_series(0, ${regions - 1}) n;
  INSERT INTO resource_providers (uuid, name, generation)
    SELECT gen_random_uuid(), 'host-' || n, 0 FROM generate_series(1, ${hosts}) n;
  UPDATE resource_providers SET root_provider_id = id;
  CREATE TEMPORARY TABLE placed AS
    SELECT id, substr(name, 6)::int AS n FROM resource_providers WHERE name LIKE 'host-%';
  INSERT INTO inventories (resource_provider_id, resource_class_id, total, reserved, min_unit, max_unit, step_size, allocation_ratio)
    SELECT id, (SELECT id FROM resource_classes WHERE name = 'PGPU'), 1 << (n % 4), 0, 1, 1 << (n % 4), 1, 1.0 FROM placed;
  INSERT INTO resource_provider_traits (resource_provider_id, trait_id)
    SELECT p.id, t.id FROM placed p JOIN traits t ON t.name IN
      ('CUSTOM_MODEL_' || ${modelOf}, 'CUSTOM_REGION_' || n % ${regions});
  DROP TABLE placed;`;
