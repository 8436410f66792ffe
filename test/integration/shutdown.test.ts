import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDatabase, type TestDatabase, withClient } from '../support/database.ts';
import { send } from '../support/edge-app.ts';
import { assembleService, startService } from '../support/service.ts';
import { type ServiceProcess, startServiceProcess } from '../support/service-process.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';

/** Sessions of this database that wait for a lock. */
const waiting = `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`;
const operatorKey = 'operator-key-of-the-shutdown-tests-0123456789';

describe('SIGTERM', () => {
  let database: TestDatabase;
  let proxy: TcpProxy;
  let service: ServiceProcess;

  beforeAll(async () => {
    database = await createDatabase();
    const url = new URL(database.url);
    proxy = await startTcpProxy(Number(url.port));
    url.port = String(proxy.port);
    service = await startServiceProcess({
      DATABASE_URL: url.href,
      OPERATOR_API_KEY: operatorKey,
      SHUTDOWN_DELAY_MS: '3000',
    });
    await until('it is ready', async () => (await service.ready()).status === 200);
  }, 60_000);
  afterAll(async () => {
    await service.stop();
    await proxy.close();
    await database.drop();
  });

  const post = async (name: string): Promise<number> => {
    const answer = await fetch(`${service.url}/v1/tenants`, {
      method: 'POST',
      headers: { authorization: `Bearer ${operatorKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name }),
    });
    return answer.status;
  };

  it('turns /ready to 503, answers what was accepted and what still comes, and ends with code 0', async () => {
    expect(await post('before')).toBe(201);
    proxy.holdAnswersTo('INSERT INTO inventory.tenant');
    const accepted = Array.from({ length: 10 }, (_, i) => post(`accepted ${i}`));
    await until('they wait for the database', async () => (await service.ready()).status === 503);
    const ended = service.stop();
    await until('it says so', async () => (await service.ready()).code === 'service.stopping');
    proxy.hold(null);
    expect(new Set(await Promise.all(accepted))).toEqual(new Set([201]));
    expect(await post('while load balancers take notice')).toBe(201);
    expect(await ended).toBe(0);
    expect(service.said()).not.toMatch(/"level":[56]0/);
    expect((await service.ready()).status).toBe(0);
  });
});

describe('closing', () => {
  it('waits for requests under way while nobody new can connect', async () => {
    const service = await startService();
    const { body, headers } = await service.as().post('/v1/tenants').send({ name: 'slow' }).expect(201);
    const holder = await service.sql.connect();
    await holder.query('BEGIN; SELECT FROM inventory.tenant FOR UPDATE');
    const patch = service
      .as()
      .patch(`/v1/tenants/${body.id}`)
      .set('if-match', headers.etag as string)
      .send({ name: 'changed' })
      .then(({ status }) => status);
    await until('it waits', async () => (await service.sql.query(waiting)).rowCount === 1);
    const { server } = service.application.app;
    const closed = once(server, 'close');
    const closing = service.application.close();
    await until('the listener is closed', () => !server.listening);
    await holder.query('ROLLBACK');
    holder.release();
    expect(await patch).toBe(200);
    await Promise.all([closed, closing]);
    await service.stop();
  });

  it('before the start is over leaves the service unready for good', async () => {
    const database = await createDatabase();
    const { application, close } = await assembleService(database);
    const { app, startup } = application;
    await withClient(database.ownerUrl, async (holder) => {
      await holder.query('BEGIN; LOCK TABLE inventory.instance');
      const starting = startup.run();
      const watched = () => withClient(database.ownerUrl, (watcher) => watcher.query(waiting));
      await until('the start waits', async () => (await watched()).rowCount === 1);
      startup.stop();
      await holder.query('ROLLBACK');
      await starting;
    });
    const { statusCode, body } = await send(app, '/ready');
    expect([statusCode, JSON.parse(body).code]).toEqual([503, 'service.stopping']);
    await close();
    await database.drop();
  });
});
