import { randomUUID } from 'node:crypto';
import { gates } from '../../src/kernel/gates.ts';
import type { Requests, TestService } from './service.ts';

/** A provider with its key, made through the API. */
export interface TestProvider {
  id: string;
  key: string;
}

/** A node with the key of its agent, made through the API. */
export interface TestNode {
  id: string;
  providerId: string;
  key: string;
}

export async function createProvider(service: Requests): Promise<TestProvider> {
  const { body } = await service
    .as()
    .post('/v1/providers')
    .send({ name: 'Provider', email: `${randomUUID()}@example.test`, region: 'eu' })
    .expect(201);
  return { id: body.id, key: await createKey(service, { role: 'provider', providerId: body.id }) };
}

/** A node of `providerId`, or of a provider of its own. */
export async function createNode(service: Requests, providerId?: string): Promise<TestNode> {
  const owner = providerId ?? (await createProvider(service)).id;
  const { body } = await service
    .as()
    .post('/v1/nodes')
    .send({ providerId: owner, hostname: `node-${randomUUID()}` })
    .expect(201);
  return {
    id: body.id,
    providerId: owner,
    key: await createKey(service, { role: 'agent', nodeId: body.id }),
  };
}

export async function createKey(
  service: Requests,
  owner: { role: string; providerId?: string; nodeId?: string; tenantId?: string; scopes?: string[] },
): Promise<string> {
  const { body } = await service
    .as()
    .post('/v1/api-keys')
    .send({ name: 'test', ...owner })
    .expect(201);
  return body.key;
}

/** A GPU of the node, written straight into the tables, as it is before the node was ever heard. */
export async function addGpuTo(service: TestService, node: TestNode, uuid: string): Promise<string> {
  const id = randomUUID();
  await service.sql.query(
    `INSERT INTO inventory.gpu (id, node_id, provider_id, vendor, uuid, uuid_key, name)
     VALUES ($1, $2, $3, 'nvidia', $4, lower($4), 'GPU')`,
    [id, node.id, node.providerId, uuid],
  );
  await service.sql.query(
    `INSERT INTO inventory.gpu_state (gpu_id, seq, node_seq, node_id, provider_id, root_gpu_id, vendor, region, blocks)
     SELECT g.id, g.seq, n.seq, n.id, g.provider_id, g.id, g.vendor, n.region, $2
       FROM inventory.gpu g JOIN inventory.node n ON n.id = g.node_id WHERE g.id = $1`,
    [id, gates.node_not_heard],
  );
  return id;
}
