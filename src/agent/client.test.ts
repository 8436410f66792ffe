import { afterEach, describe, expect, it } from '@jest/globals';
import {
  type AgentService,
  type Answer,
  agentService,
  type SeenRequest,
} from '../../test/support/agent-service.ts';
import { inventoryClient } from './client.ts';

let service: AgentService;

afterEach(() => service.close());

const me = { nodeId: 'n-1', apiKey: 'key-1' };
const heartbeat = {
  nodeId: 'n-1',
  sequence: 1,
  sentAt: '2026-01-01T00:00:00.000Z',
  status: 'healthy' as const,
  systemMetrics: {},
  gpus: [],
};

describe('inventoryClient', () => {
  it('enrols with a repeatable request that does not carry the token in a header', async () => {
    const client = await connect(() => ({ status: 201, body: { node: { id: 'n-1' }, apiKey: 'key-1' } }));
    expect(await client.enroll('token-1', 'gpu-box', { cpuCores: 8 })).toEqual(me);
    await client.enroll('token-1', 'gpu-box', { cpuCores: 8 });
    const [first, second] = service.requests;
    expect(first).toMatchObject({
      method: 'POST',
      path: '/v1/nodes/enroll',
      body: { token: 'token-1', hostname: 'gpu-box', system: { cpuCores: 8 } },
    });
    expect(first?.headers.authorization).toBeUndefined();
    expect(first?.headers['idempotency-key']).toMatch(/^enroll-[0-9a-f]{64}$/);
    expect(second?.headers['idempotency-key']).toBe(first?.headers['idempotency-key']);
  });

  it('sends its key and reads the answer of a heartbeat', async () => {
    const body = {
      accepted: false,
      ignoredReason: 'stale_sequence',
      nextHeartbeatInMs: 15_000,
      serverTime: 'x',
    };
    const client = await connect(() => ({ status: 202, body }));
    expect(await client.sendHeartbeat(me, heartbeat)).toEqual({
      accepted: false,
      ignoredReason: 'stale_sequence',
      nextHeartbeatInMs: 15_000,
      directives: [],
    });
    expect(service.requests[0]?.headers.authorization).toBe('Bearer key-1');
    expect(service.requests[0]?.body).toEqual(heartbeat);
  });

  it('asks for the ids of its GPUs, page by page', async () => {
    const pages = [
      { items: [{ id: 'g-1', uuid: 'GPU-1' }], nextCursor: 'a+b' },
      { items: [{ id: 'g-2', uuid: 'GPU-2' }], nextCursor: null },
    ];
    const client = await connect(() => ({ status: 200, body: pages.shift() }));
    expect([...(await client.gpuIds(me))]).toEqual([
      ['GPU-1', 'g-1'],
      ['GPU-2', 'g-2'],
    ]);
    expect(service.requests.map(({ path }) => path)).toEqual([
      '/v1/gpus?nodeId=n-1&fields=uuid&limit=500',
      '/v1/gpus?nodeId=n-1&fields=uuid&limit=500&cursor=a%2Bb',
    ]);
  });

  it('asks for its node, and for the generation that the service holds', async () => {
    const client = await connect(({ path }) =>
      path === '/v1/whoami'
        ? { status: 200, body: { nodeId: 'n-1' } }
        : { status: 200, body: { inventoryGeneration: 41 } },
    );
    expect(await client.ownNodeId('key-1')).toBe('n-1');
    expect(await client.inventoryGeneration(me)).toBe(41);
    expect(service.requests[1]?.path).toBe('/v1/nodes/n-1');
  });

  it('turns a problem document into an error that carries its code and Retry-After', async () => {
    const client = await connect(() => ({
      status: 429,
      headers: { 'retry-after': '7', 'content-type': 'application/problem+json' },
      body: { code: 'request.rate_limited', detail: 'Slow down.' },
    }));
    await expect(client.sendHeartbeat(me, heartbeat)).rejects.toMatchObject({
      status: 429,
      code: 'request.rate_limited',
      retryAfterMs: 7_000,
      retryable: true,
    });
  });

  it.each<[string, Answer]>([
    ['a page instead of JSON', { status: 200, body: '<html>' }],
    ['JSON of somebody else', { status: 200, body: { hello: 1 } }],
  ])('takes %s for a passing fault', async (_, answer) => {
    const client = await connect(() => answer);
    await expect(client.ownNodeId('key-1')).rejects.toMatchObject({ code: 'client.unexpected_answer' });
  });

  it('does not follow the key to another address', async () => {
    const client = await connect(() => ({ status: 302, headers: { location: '/elsewhere' } }));
    await expect(client.ownNodeId('key-1')).rejects.toMatchObject({ code: 'client.unreachable' });
    expect(service.requests).toHaveLength(1);
  });

  it('gives up on a silent service', async () => {
    const client = await connect(() => 'hang', 20);
    await expect(client.ownNodeId('key-1')).rejects.toMatchObject({
      status: null,
      code: 'client.unreachable',
      retryable: true,
      message: expect.stringContaining('no answer within 20 ms'),
    });
  });

  it('says why a service cannot be reached', async () => {
    const client = await connect(() => 'hang');
    await service.close();
    await expect(client.ownNodeId('key-1')).rejects.toThrow(/cannot be reached: .*ECONNREFUSED/);
    service = await agentService(() => 'hang');
  });
});

async function connect(answer: (request: SeenRequest) => Answer, timeoutMs = 5_000) {
  service = await agentService(answer);
  return inventoryClient({ url: `${service.url}/`, timeoutMs });
}
