import { describe, expect, it } from '@jest/globals';
import { problem, START, taken, useAgents } from '../../test/support/agent-run.ts';
import type { Answer } from '../../test/support/agent-service.ts';
import { fakeDriver } from './fake-driver.ts';

const setup = useAgents();

describe('the inventory', () => {
  const path = '/v1/nodes/n-1/inventory';

  it('is published once while nothing changes, over a restart too', async () => {
    const agent = await setup({});
    await agent.run(3);
    await agent.run(2);
    expect(agent.bodies(path)).toHaveLength(1);
  });

  it('is published again, in a higher generation, when a GPU is lost', async () => {
    const agent = await setup({ driver: fakeDriver({ states: ['healthy', 'lost'] }) });
    await agent.run(2);
    expect(agent.bodies(path)).toMatchObject([
      { generation: START, gpus: [{ index: 0 }, { index: 1 }] },
      { generation: START + 15_000, gpus: [{ index: 0 }] },
    ]);
  });

  it('is confirmed empty only when it is so twice in a row', async () => {
    const agent = await setup({ driver: fakeDriver({ states: ['lost'] }) });
    await agent.run(4);
    expect(
      agent.bodies(path).map(({ confirmEmpty, gpus }) => [(gpus as unknown[]).length, confirmEmpty]),
    ).toEqual([
      [1, false],
      [0, false],
      [0, true],
    ]);
  });

  it('catches up with a generation that the service knows and we forgot', async () => {
    const stale = problem(409, 'inventory.stale_generation');
    const agent = await setup({}, { [path]: [stale, taken] });
    await agent.run(1);
    expect(agent.bodies(path).map(({ generation }) => generation)).toEqual([START, START + 1_000_001]);
    expect(agent.bodies('/v1/heartbeats')).toHaveLength(1);
  });

  it('does not silence the node when it is refused, and is tried again later', async () => {
    const soon: Answer = { status: 202, body: { accepted: true, nextHeartbeatInMs: 5_000 } };
    const refusedOnce = [problem(409, 'gpu.hardware_conflict'), taken];
    const agent = await setup({}, { [path]: refusedOnce, '/v1/heartbeats': [soon] });
    await agent.run(4);
    expect(agent.bodies('/v1/heartbeats')).toHaveLength(4);
    expect(agent.bodies(path).map(({ generation }) => generation)).toEqual([START, START + 15_000]);
    expect(agent.events()).toContain('inventory_refused');
  });
});
