import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createNode, createProvider } from '../support/fleet.ts';
import { startService, type TestService } from '../support/service.ts';

let service: TestService;
beforeAll(async () => {
  service = await startService({ HEARTBEAT_BATCH_MAX: '10', HEARTBEAT_CONNECTIONS: '1' });
});
afterAll(() => service.stop());

it('nodes that come back together are moved a few at a time: none waits for the GPUs of all', async () => {
  const { id: providerId } = await createProvider(service);
  const nodes = await Promise.all(Array.from({ length: 20 }, () => createNode(service, providerId)));
  await Promise.all(
    nodes.map(({ id: nodeId, key }) =>
      service.as(key).post('/v1/heartbeats').send({ nodeId, sequence: 1, status: 'healthy' }).expect(202),
    ),
  );
  const { rows } = await service.sql.query(
    `SELECT sum(n)::integer AS moved, max(n)::integer AS most FROM (
       SELECT count(*) AS n FROM inventory.change WHERE type = 'node.online' GROUP BY xmin::text) AS of_transaction`,
  );
  expect(rows[0].moved).toBe(20);
  expect(rows[0].most).toBeLessThanOrEqual(2);
});
