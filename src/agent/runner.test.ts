import { describe, expect, it } from '@jest/globals';
import { away, enrolled, gpusOf, heard, problem, START, useAgents } from '../../test/support/agent-run.ts';
import type { Answer } from '../../test/support/agent-service.ts';
import { type Driver, DriverError } from './driver.ts';
import { NoCredentialError } from './identity.ts';

const setup = useAgents();

describe('a first start', () => {
  it('enrols, publishes the inventory, sends a heartbeat and keeps its key', async () => {
    const agent = await setup({});
    await agent.run(1);
    expect(agent.paths()).toEqual([
      '/v1/nodes/enroll',
      '/v1/nodes/n-1/inventory',
      '/v1/heartbeats',
      gpusOf('n-1'),
    ]);
    const [, inventory, heartbeat] = agent.requests();
    expect(inventory?.headers.authorization).toBe('Bearer key-1');
    expect(inventory?.body).toMatchObject({
      generation: START,
      complete: true,
      confirmEmpty: false,
      system: { cpuCores: 8, driverVersion: '580.95.05' },
      gpus: [{ index: 0, vendor: 'nvidia' }],
    });
    expect(heartbeat?.body).toMatchObject({
      nodeId: 'n-1',
      sequence: START,
      sentAt: '2026-01-01T00:00:00.000Z',
      status: 'healthy',
      systemMetrics: { memoryUtilization: 40 },
      gpus: [{ xidErrors: [] }],
    });
    expect(agent.state()).toMatchObject({ url: agent.url, nodeId: 'n-1', apiKey: 'key-1', sequence: START });
  });

  it('keeps its key before anything else can fail: the token is spent', async () => {
    const agent = await setup({ once: true }, { '/v1/heartbeats': [away] });
    await expect(agent.run(1)).rejects.toMatchObject({ code: 'service.unavailable' });
    expect(agent.state()).toMatchObject({ nodeId: 'n-1', apiKey: 'key-1' });
  });

  it('leaves unknown fields out', async () => {
    const agent = await setup({});
    await agent.run(1);
    for (const { body } of agent.requests()) expect(JSON.stringify(body)).not.toContain('null');
  });

  it('finds its node by a given key', async () => {
    const agent = await setup({ credential: { apiKey: 'key-9' } });
    await agent.run(1);
    expect(agent.paths()[0]).toBe('/v1/whoami');
    expect(agent.state()).toMatchObject({ nodeId: 'n-9', apiKey: 'key-9' });
  });

  it('cannot begin with nothing', async () => {
    const agent = await setup({ credential: null });
    await expect(agent.run(1)).rejects.toThrow(NoCredentialError);
  });

  it('ends when its token is refused', async () => {
    const agent = await setup({}, { '/v1/nodes/enroll': [problem(401, 'auth.invalid_token')] });
    await expect(agent.run(1)).rejects.toMatchObject({ code: 'auth.invalid_token' });
    expect(agent.state()).toBeNull();
  });

  it('waits for a service that is not there yet', async () => {
    const agent = await setup({}, { '/v1/nodes/enroll': [away, away, enrolled] });
    await agent.run(3);
    expect(agent.waits).toEqual([500, 1_000, 15_000]);
    expect(agent.state()?.nodeId).toBe('n-1');
  });
});

describe('heartbeats', () => {
  it('come when the service says, less the time that looking took', async () => {
    const agent = await setup({ readingMs: 2_000 });
    await agent.run(3);
    expect(agent.waits).toEqual([13_000, 13_000, 13_000]);
  });

  it('are held up by nothing that is published after them', async () => {
    const agent = await setup({ answerMs: { [gpusOf('n-1')]: 9_000 } });
    await agent.run(2);
    expect(agent.waits).toEqual([6_000, 15_000]);
  });

  it('never come in a storm, whatever the service says', async () => {
    const body = { accepted: true, nextHeartbeatInMs: 0 };
    const agent = await setup({}, { '/v1/heartbeats': [{ status: 202, body }] });
    await agent.run(1);
    expect(agent.waits).toEqual([1_000]);
  });

  it('back off with full jitter while the service is away, and start small again', async () => {
    const agent = await setup({}, { '/v1/heartbeats': [away, away, away, heard, away, heard] });
    await agent.run(6);
    expect(agent.waits).toEqual([500, 1_000, 2_000, 15_000, 500, 15_000]);
  });

  it('obey Retry-After', async () => {
    const limited: Answer = {
      status: 429,
      headers: { 'retry-after': '7' },
      body: { code: 'request.rate_limited' },
    };
    const agent = await setup({}, { '/v1/heartbeats': [limited, heard] });
    await agent.run(2);
    expect(agent.waits).toEqual([7_500, 15_000]);
  });

  it('go on after one that the service dislikes', async () => {
    const agent = await setup({}, { '/v1/heartbeats': [problem(400, 'request.invalid'), heard] });
    await agent.run(2);
    expect(agent.waits).toEqual([500, 15_000]);
  });

  it('end when the key is no longer good', async () => {
    const agent = await setup({}, { '/v1/heartbeats': [heard, problem(401, 'auth.invalid_key')] });
    await expect(agent.run(5)).rejects.toMatchObject({ code: 'auth.invalid_key' });
  });

  it('count on over a restart, even when the clock went back', async () => {
    const agent = await setup({});
    await agent.run(2);
    agent.setClock(START - 3_600_000);
    await agent.run(2);
    const sequences = agent.bodies('/v1/heartbeats').map(({ sequence }) => sequence);
    expect(sequences).toEqual([START, START + 15_000, START + 15_001, START + 15_002]);
    expect(agent.paths().filter((path) => path === '/v1/nodes/enroll')).toHaveLength(1);
  });

  it('say that the node is degraded while its tool fails, and leave the inventory alone', async () => {
    const broken: Driver = { read: () => Promise.reject(new DriverError('nvidia-smi failed')) };
    const agent = await setup({ driver: broken });
    await agent.run(1);
    expect(agent.bodies('/v1/heartbeats')).toMatchObject([{ status: 'degraded', gpus: [] }]);
    expect(agent.paths()).not.toContain('/v1/nodes/n-1/inventory');
    expect(agent.events()).toContain('driver_failed');
  });
});

describe('the end', () => {
  it('is clean when told to stop', async () => {
    const agent = await setup({});
    await expect(agent.run(2)).resolves.toBeUndefined();
  });

  it('is clean in the middle of a request', async () => {
    const agent = await setup({}, { '/v1/heartbeats': ['hang'] });
    const running = agent.run(1);
    await agent.seen('/v1/heartbeats');
    agent.stop();
    await expect(running).resolves.toBeUndefined();
    expect(agent.events()).not.toContain('retrying');
  });

  it('comes after one round with `once`', async () => {
    const agent = await setup({ once: true });
    await agent.run(9);
    expect(agent.bodies('/v1/heartbeats')).toHaveLength(1);
    expect(agent.waits).toEqual([]);
  });

  it('comes at the first failure with `once`', async () => {
    const agent = await setup({ once: true }, { '/v1/heartbeats': [away] });
    await expect(agent.run(9)).rejects.toMatchObject({ code: 'service.unavailable' });
  });
});
