import { describe, expect, it } from '@jest/globals';
import { away, gpusAre, gpusOf, problem, START, useAgents } from '../../test/support/agent-run.ts';
import type { Answer } from '../../test/support/agent-service.ts';
import { fakeDriver } from './fake-driver.ts';
import type { GpuTelemetry } from './snapshot.ts';
import { usagePublisher } from './usage-publisher.ts';
import type { UsageSample } from './wire.ts';

const setup = useAgents();
const path = '/v1/usage-metrics';
const received: Answer = { status: 202, body: { accepted: 1, duplicates: 0, rejected: [] } };

/** An agent with two GPUs, of which the service knows the first one as g-0; heartbeats are 15 s apart. */
async function setupUsage(answers: Answer[], setting: { usageEveryMs?: number } = {}) {
  const states = ['healthy', 'healthy'] as const;
  const [known] = (await fakeDriver({ states: [...states] }).read('n-1')).gpus;
  return setup(
    { driver: fakeDriver({ states: [...states] }), ...setting },
    {
      [gpusOf('n-1')]: [gpusAre({ id: 'g-0', uuid: known?.uuid })],
      '/v1/gpus/g-0/processes': [{ status: 200, body: {} }],
      [path]: answers,
    },
  );
}

interface Sample {
  gpuId: string;
  metric: string;
  unit: string;
  at: string;
}
type Agent = Awaited<ReturnType<typeof setupUsage>>;
const batches = (agent: Agent) => agent.bodies(path).map(({ samples }) => samples as Sample[]);
const moments = (samples: readonly Sample[]) => [...new Set(samples.map(({ at }) => at))];
const at = (second: number) => new Date(START + second * 1000).toISOString();

describe('usage metrics', () => {
  it('are published once a minute: every reading of the GPUs that the service knows, at its moment', async () => {
    const agent = await setupUsage([received]);
    await agent.run(10);
    const [first = [], second = [], ...more] = batches(agent);
    expect(more).toEqual([]);
    expect(moments(first)).toEqual([0, 15, 30, 45, 60].map(at));
    expect(moments(second)).toEqual([75, 90, 105, 120, 135].map(at));
    expect(new Set(first.map(({ gpuId }) => gpuId))).toEqual(new Set(['g-0']));
    expect(new Set(first.map(({ metric, unit }) => `${metric} ${unit}`))).toContain('powerDrawW W');
    expect(agent.log()).toContainEqual({ event: 'usage_published', samples: first.length, rejected: 0 });
  });

  it('are kept while the service is away, and sent with what came since', async () => {
    const agent = await setupUsage([away, received]);
    await agent.run(9);
    const [lost = [], all = []] = batches(agent);
    expect(moments(all)).toEqual([0, 15, 30, 45, 60, 75, 90, 105, 120].map(at));
    expect(all.slice(0, lost.length)).toEqual(lost);
    expect(agent.bodies('/v1/heartbeats')).toHaveLength(9);
    expect(agent.events()).toContain('usage_refused');
  });

  it('that the service refuses for good are given up', async () => {
    const agent = await setupUsage([problem(403, 'auth.forbidden'), received]);
    await agent.run(10);
    expect(batches(agent).map((samples) => moments(samples)[0])).toEqual([at(0), at(75)]);
  });

  it('are not sent where nobody wants them', async () => {
    const agent = await setupUsage([received], { usageEveryMs: 0 });
    await agent.run(10);
    expect(batches(agent)).toEqual([]);
  });
});

describe('what is kept while the service is away', () => {
  it('goes out in batches that the service takes, and of more than is kept the newest', async () => {
    const { publisher, sent, take } = setupPublisher();
    for (let second = 0; second < 60; second++) take(second, 1000);
    take(60, 0);
    await publisher.publish(identity);
    expect(sent.map((samples) => samples.length)).toEqual([10_000, 10_000, 10_000, 10_000, 10_000]);
    expect([sent[0]?.[0], sent.at(-1)?.at(-1)].map((sample) => sample?.at)).toEqual([at(10), at(59)]);
  });

  it('holds no reading that there was none of', async () => {
    const { publisher, sent, take } = setupPublisher();
    for (const second of [0, 60]) take(second);
    await publisher.publish(identity);
    expect(sent.flat().map(({ metric, value }) => [metric, value])).toEqual([
      ['powerDrawW', 300],
      ['powerDrawW', 300],
    ]);
  });
});

const identity = { nodeId: 'n-1', apiKey: 'key-1' };

/** A publisher alone, before a service that takes everything, of GPUs that tell their power. */
function setupPublisher() {
  let now = START;
  const sent: UsageSample[][] = [];
  const recordUsage = async (_identity: unknown, samples: readonly UsageSample[]) => {
    sent.push([...samples]);
    return { rejected: 0 };
  };
  const options = { client: { recordUsage }, clock: () => now, report: () => {}, usageEveryMs: 60_000 };
  const directory = { idOf: async () => 'g-0', forget: () => {} };
  const publisher = usagePublisher(options, directory);
  /** A round of readings, of so many GPUs. */
  const take = (second: number, gpus = 1) => {
    now = START + second * 1000;
    publisher.note(Array.from({ length: gpus }, () => ({ ...unread, powerDrawW: 300 })));
  };
  return { publisher, sent, take };
}

const unread: GpuTelemetry = {
  uuid: 'GPU-1',
  utilization: null,
  memoryUsedMb: null,
  memoryUtilization: null,
  temperatureC: null,
  powerDrawW: null,
  fanSpeed: null,
  smClockMhz: null,
  memoryClockMhz: null,
  eccUncorrected: null,
  xidErrors: null,
};
