import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { ensureServiceRole } from '../../src/kernel/db/service-role.ts';
import { migrateUp } from '../../src/kernel/migrations.ts';
import { databaseUrl, servicePassword, withClient } from '../support/database.ts';
import { type FaultyPostgres, startFaultyPostgres } from '../support/faulty-postgres.ts';
import { type ServiceProcess, startServiceProcess } from '../support/service-process.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';
import { WriteLoad } from '../support/write-load.ts';

const operatorKey = 'operator-key-of-the-fault-tests-0123456789';
/** No answer of any kind may take longer while the database is frozen. */
const longestMs = 5000;

let server: FaultyPostgres;
let proxy: TcpProxy;
let service: ServiceProcess;
let owner: pg.Pool;
let ownerUrl: string;

beforeAll(async () => {
  server = await startFaultyPostgres();
  await withClient(server.url, async (admin) => {
    await admin.query('CREATE DATABASE inventory TEMPLATE template0');
    await ensureServiceRole(admin, servicePassword);
  });

  ownerUrl = databaseUrl(server.url, 'inventory');
  owner = new pg.Pool({ connectionString: ownerUrl, max: 2 });
  owner.on('error', () => {});
  proxy = await startTcpProxy(server.port);
  await server.halt();

  const url = new URL(databaseUrl(server.url, 'inventory', { user: 'inv_app', password: servicePassword }));
  url.port = String(proxy.port);
  service = await startServiceProcess({ DATABASE_URL: url.href, OPERATOR_API_KEY: operatorKey });
}, 60_000);
afterAll(async () => {
  await owner.end();
  await service.stop();
  await proxy.close();
  await server.stop();
});

const call = (path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(service.url + path, {
    ...init,
    signal: AbortSignal.timeout(longestMs),
    headers: { authorization: `Bearer ${operatorKey}`, 'content-type': 'application/json', ...init.headers },
  });

const post = (path: string, body: object) => call(path, { method: 'POST', body: JSON.stringify(body) });

const isReady = async () => (await service.ready()).status === 200;

/** The process answers, but takes no traffic, and says why. */
async function expectAway(code = 'dependency.unavailable'): Promise<void> {
  expect((await call('/live')).status).toBe(200);
  expect(await service.ready()).toMatchObject({ status: 503, code });
}

/** Everything that asks the database is answered in time, by a 503 that says when to come again. */
async function expectRefusals(): Promise<void> {
  const reads = Array.from({ length: 12 }, () => call('/v1/tenants'));
  const writes = Array.from({ length: 12 }, (_, i) => post('/v1/tenants', { name: `refused ${i}` }));
  const answers = await Promise.all([...reads, ...writes]);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
  for (const { headers } of answers) expect(headers.get('retry-after')).toMatch(/^\d+$/);
}

/** Writers go on writing while `hurt` does its worst; afterwards every promise must have been kept. */
async function expectPromisesKept(hurt: (load: WriteLoad) => Promise<void>): Promise<void> {
  const load = new WriteLoad(service.url, operatorKey);
  const progress = async (what: string) => {
    const before = load.acknowledged.size;
    await until(what, () => load.acknowledged.size > before + 40);
  };
  try {
    await progress('writes are acknowledged');
    await hurt(load);
    await progress('writes are acknowledged again');
    await load.stop();
  } finally {
    await load.abandon();
  }
  expect(await load.faults(owner)).toEqual({ lost: [], doubled: [] });
  const statuses = new Set(load.answers.map(({ status }) => status));
  for (const status of statuses) expect([201, 409, 503]).toContain(status);
  for (const { status, retryAfter } of load.answers) if (status === 503) expect(retryAfter).toMatch(/^\d+$/);
  expect(Math.max(...load.answers.map(({ took }) => took))).toBeLessThan(longestMs);
  expect(await isReady()).toBe(true);
}

describe('a service that starts before its database', () => {
  it('runs, and says that the database is away', async () => {
    await until(
      'it has looked for the database',
      async () => (await service.ready()).code !== 'service.starting',
    );
    await expectAway();
    expect((await call('/v1/tenants')).status).toBe(503);
  });

  it('says that migrations are pending once the database is there', async () => {
    await server.start();
    await until('it has looked again', async () => (await service.ready()).code !== 'dependency.unavailable');
    await expectAway('migrations.pending');
    const refused = await post('/v1/tenants', { name: 'too early' });
    expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([
      503,
      'migrations.pending',
    ]);
  });

  it('takes traffic once they have run, without a restart', async () => {
    await migrateUp(ownerUrl);
    await until('it is ready', isReady);
    expect((await post('/v1/tenants', { name: 'first' })).status).toBe(201);
  });
});

describe('under load, no acknowledged write is lost and none happens twice', () => {
  it('when an administrator ends all sessions, twice', () =>
    expectPromisesKept(async (load) => {
      expect(await server.terminateSessions()).toBeGreaterThan(0);
      const before = load.acknowledged.size;
      await until('it writes again', () => load.acknowledged.size > before + 40);
      expect(await server.terminateSessions()).toBeGreaterThan(0);
    }));

  it('when a backend is killed and the server starts over, twice', () =>
    expectPromisesKept(async (load) => {
      await server.killBackend();
      const before = load.acknowledged.size;
      await until('it writes again', () => load.acknowledged.size > before + 40);
      await server.killBackend();
    }));

  it('when the whole server is killed, and comes back', () =>
    expectPromisesKept(async () => {
      await server.crash();
      await until('the service has noticed', async () => !(await isReady()));
      await expectAway();
      await expectRefusals();
      await server.start();
      await until('it is ready', isReady);
    }));

  it('when the server is frozen, and thaws', () =>
    expectPromisesKept(async () => {
      await server.freeze();
      await expectAway();
      await expectRefusals();
      server.thaw();
      await until('it is ready', isReady);
    }));

  it('when the network swallows everything, and delivers again', () =>
    expectPromisesKept(async () => {
      proxy.hold('all');
      await expectAway();
      await expectRefusals();
      proxy.hold(null);
      await until('it is ready', isReady);
    }));
});

describe('other people’s sessions', () => {
  it('that use up all connections make it 503, until they end', async () => {
    const guests: pg.Client[] = [];
    const url = databaseUrl(server.url, 'inventory', { user: 'inv_app', password: servicePassword });
    const guest = async () => {
      const client = new pg.Client({ connectionString: url });
      client.on('error', () => {});
      await client.connect();
      guests.push(client);
    };
    const fill = async () => {
      for (let full = false; !full; )
        full = await guest().then(
          () => false,
          ({ code }) => code === '53300',
        );
    };
    await until('only guests are connected', async () => {
      await fill();
      const { rowCount } = await owner.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'depin-inventory'`,
      );
      return rowCount === 0;
    });
    await expectAway();
    await expectRefusals();
    await Promise.all(guests.map((client) => client.end()));
    await until('it is ready', isReady);
    expect((await post('/v1/tenants', { name: 'room again' })).status).toBe(201);
  });

  it('that hold a row make its change 409, and nothing else', async () => {
    const { id } = (await (await post('/v1/tenants', { name: 'held' })).json()) as { id: string };
    const holder = await owner.connect();
    await holder.query('BEGIN');
    await holder.query('SELECT FROM inventory.tenant WHERE id = $1 FOR UPDATE', [id]);
    const patch = { method: 'PATCH', headers: { 'if-match': '"1"' }, body: '{"name":"changed"}' };
    const busy = call(`/v1/tenants/${id}`, patch);
    expect((await post('/v1/tenants', { name: 'not held' })).status).toBe(201);
    expect((await call(`/v1/tenants/${id}`)).status).toBe(200);
    const refused = await busy;
    expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([
      409,
      'resource.busy',
    ]);
    await holder.query('ROLLBACK');
    holder.release();
    expect((await call(`/v1/tenants/${id}`, patch)).status).toBe(200);
  });
});

it('after all this the process has met nothing unexpected, and ends by SIGTERM with code 0', async () => {
  expect(service.said()).not.toMatch(/unhandled|uncaught|"level":[56]0/i);
  expect(await service.stop()).toBe(0);
});
