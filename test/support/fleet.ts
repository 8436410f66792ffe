import { randomUUID } from 'node:crypto';
import type { TestService } from './service.ts';

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

export async function createProvider(service: TestService): Promise<TestProvider> {
  const { body } = await service
    .as()
    .post('/v1/providers')
    .send({ name: 'Provider', email: `${randomUUID()}@example.test`, region: 'eu' })
    .expect(201);
  return { id: body.id, key: await createKey(service, { role: 'provider', providerId: body.id }) };
}

/** A node of `providerId`, or of a provider of its own. */
export async function createNode(service: TestService, providerId?: string): Promise<TestNode> {
  const owner = providerId ?? (await createProvider(service)).id;
  const { body } = await service
    .as()
    .post('/v1/nodes')
    .send({ providerId: owner, hostname: `node-${randomUUID()}` })
    .expect(201);
  return { id: body.id, providerId: owner, key: await createKey(service, { role: 'agent', nodeId: body.id }) };
}

export async function createKey(
  service: TestService,
  owner: { role: string; providerId?: string; nodeId?: string; tenantId?: string },
): Promise<string> {
  const { body } = await service
    .as()
    .post('/v1/api-keys')
    .send({ name: 'test', ...owner })
    .expect(201);
  return body.key;
}
