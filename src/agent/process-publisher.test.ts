import { describe, expect, it } from '@jest/globals';
import { gpusAre, gpusOf, problem, START, taken, useAgents } from '../../test/support/agent-run.ts';
import type { Answer } from '../../test/support/agent-service.ts';
import type { Driver } from './driver.ts';
import { fakeDriver } from './fake-driver.ts';

const setup = useAgents();

describe('processes', () => {
  const driver = () => fakeDriver({ states: ['busy', 'healthy'] });
  const pathOf = (index: number) => `/v1/gpus/g-${index}/processes`;

  /** An agent with two GPUs that the service knows as g-0 and g-1; on the first one a process runs. */
  async function setupBusy(answers: Record<string, Answer[]> = {}, reader: Driver = driver()) {
    const { gpus } = await driver().read('n-1');
    const known = gpusAre(...gpus.map(({ uuid }, index) => ({ id: `g-${index}`, uuid })));
    return setup(
      { driver: reader },
      { [gpusOf('n-1')]: [known], [pathOf(0)]: [taken], [pathOf(1)]: [taken], ...answers },
    );
  }

  it('are published after the heartbeat, with its sequence: of every GPU once, then of those where something runs', async () => {
    const agent = await setupBusy();
    await agent.run(6);
    expect(agent.paths().slice(2, 6)).toEqual(['/v1/heartbeats', gpusOf('n-1'), pathOf(0), pathOf(1)]);
    const processes = [{ pid: 1000, name: 'python3', memoryUsedMb: 1024 }];
    expect(agent.bodies(pathOf(0))).toEqual([
      { generation: START, processes },
      { generation: START + 60_000, processes },
    ]);
    expect(agent.bodies(pathOf(1))).toEqual([{ generation: START, processes: [] }]);
    expect(agent.events().filter((event) => event === 'processes_published')).toHaveLength(2);
  });

  it('are published as soon as they end', async () => {
    let readings = 0;
    const ending: Driver = {
      read: async (scope) => {
        const snapshot = await driver().read(scope);
        const gone = readings++ > 0;
        return { ...snapshot, gpus: snapshot.gpus.map((gpu) => (gone ? { ...gpu, processes: [] } : gpu)) };
      },
    };
    const agent = await setupBusy({}, ending);
    await agent.run(3);
    expect(agent.bodies(pathOf(0))).toMatchObject([
      { processes: [{ pid: 1000 }] },
      { generation: START + 15_000, processes: [] },
    ]);
  });

  it('that are refused hold up neither other GPUs nor heartbeats', async () => {
    const agent = await setupBusy({ [pathOf(0)]: [problem(409, 'processes.stale_generation'), taken] });
    await agent.run(2);
    expect(agent.bodies(pathOf(0))).toHaveLength(2);
    expect(agent.bodies(pathOf(1))).toHaveLength(1);
    expect(agent.bodies('/v1/heartbeats')).toHaveLength(2);
    expect(agent.events()).toContain('processes_refused');
  });

  it('are not asked for again and again where the service does not know the GPU', async () => {
    const agent = await setup({ driver: driver() });
    await agent.run(5);
    expect(agent.paths().filter((path) => path === gpusOf('n-1'))).toHaveLength(2);
  });
});
