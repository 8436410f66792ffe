import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { away, heard, problem, START, taken, useAgents } from '../../test/support/agent-run.ts';
import type { Answer } from '../../test/support/agent-service.ts';
import { until } from '../../test/support/until.ts';
import { type FakeState, fakeDriver } from './fake-driver.ts';
import type { Hook } from './hook.ts';

const setup = useAgents();
type Agent = Awaited<ReturnType<typeof setup>>;

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'agent-hooks-'));
});
afterEach(() => rm(directory, { recursive: true }));

const asked = (...directives: object[]): Answer => ({
  status: 202,
  body: { accepted: true, nextHeartbeatInMs: 15_000, directives },
});

const hook = (command: string, timeoutMs = 60_000): Hook => ({ command, timeoutMs });
const count = (agent: Agent, event: string) => agent.events().filter((told) => told === event).length;
const told = (agent: Agent, event: string) => agent.log().filter((entry) => entry.event === event);
const lines = async (file: string) => (await readFile(file, 'utf8')).trim().split('\n');

describe('an order to take a snapshot', () => {
  it('makes the next round publish what has not changed, once for each time', async () => {
    const answers = [heard, asked({ type: 'take_snapshot' }), heard];
    const agent = await setup({}, { '/v1/heartbeats': answers });
    await agent.run(4);
    expect(agent.bodies('/v1/nodes/n-1/inventory').map(({ generation }) => generation)).toEqual([
      START,
      START + 30_000,
    ]);
    expect(count(agent, 'snapshot_asked')).toBe(1);
  });
});

describe('a directive', () => {
  it('of a kind that the agent does not know, or that is none, does no harm', async () => {
    const dance = { type: 'dance', verificationId: 'v-1' };
    const odd = { status: 202, body: { accepted: true, nextHeartbeatInMs: 15_000, directives: 'drain' } };
    const agent = await setup({}, { '/v1/heartbeats': [asked(dance, { kind: 1 }), odd] });
    await agent.run(2);
    expect(agent.waits).toEqual([15_000, 15_000]);
    expect(agent.events()).not.toContain('challenged');
  });
});

describe('an order to drain', () => {
  const deadlineAt = '2026-01-02T00:00:00.000Z';
  const drain = asked({ type: 'drain', deadlineAt });
  const hooksEnded = (agent: Agent) => count(agent, 'hook_ended') + count(agent, 'hook_failed');

  /** An agent that is asked by these answers, and waits for its command where a drain begins or ends. */
  async function drained(command: string, answers: Answer[], ends: number[]) {
    const agent: Agent = await setup(
      {
        drainHook: hook(command),
        between: async (round) => {
          const due = ends.filter((end) => end <= round).length;
          await until(`${due} commands have ended`, () => hooksEnded(agent) >= due);
        },
      },
      { '/v1/heartbeats': answers },
    );
    return agent;
  }

  it('runs the command once when it begins and once when it ends, with its deadline', async () => {
    const log = join(directory, 'log');
    const command = `echo "$INVENTORY_EVENT $INVENTORY_NODE_ID $INVENTORY_DEADLINE_AT" | tee -a ${log}`;
    const agent = await drained(command, [drain, drain, drain, heard, heard, heard], [1, 5]);
    await agent.run(7);
    expect(await lines(log)).toEqual([`drain_began n-1 ${deadlineAt}`, `drain_ended n-1 ${deadlineAt}`]);
    expect(agent.log().filter(({ event }) => /^drain|^hook/.test(event))).toEqual([
      { event: 'drain_began', deadlineAt },
      { event: 'hook_ended', hook: 'drain_began', output: `drain_began n-1 ${deadlineAt}` },
      { event: 'drain_ended', deadlineAt },
      { event: 'hook_ended', hook: 'drain_ended', output: `drain_ended n-1 ${deadlineAt}` },
    ]);
    expect(agent.bodies('/v1/heartbeats')).toHaveLength(7);
  });

  it('is kept over a restart, and its command not repeated', async () => {
    const agent = await drained('true', [drain, drain, drain, heard], [1, 5]);
    await agent.run(2);
    expect(agent.state()?.drain).toEqual({ deadlineAt, isTold: true });
    await agent.run(3);
    expect(agent.state()?.drain).toBeNull();
    expect(told(agent, 'hook_ended')).toMatchObject([{ hook: 'drain_began' }, { hook: 'drain_ended' }]);
  });

  it('runs the command again when its deadline moves', async () => {
    const later = '2026-01-03T00:00:00.000Z';
    const log = join(directory, 'log');
    const moved = asked({ type: 'drain', deadlineAt: later });
    const agent = await drained(`echo $INVENTORY_DEADLINE_AT >> ${log}`, [drain, moved], [1, 2]);
    await agent.run(3);
    expect(await lines(log)).toEqual([deadlineAt, later]);
  });

  it('does not end by one answer without it, which may be of a replica that has not heard yet', async () => {
    const agent = await drained('true', [drain, heard, drain, heard, drain], [1]);
    await agent.run(5);
    expect([count(agent, 'drain_began'), count(agent, 'drain_ended')]).toEqual([1, 0]);
  });

  it('whose command fails is told with what it said, and not tried again', async () => {
    const agent = await drained('echo no jobs; echo no route >&2; exit 3', [drain], [1]);
    await agent.run(3);
    expect(told(agent, 'hook_failed')).toEqual([
      { event: 'hook_failed', hook: 'drain_began', detail: 'ended with 3', output: 'no jobs\nno route' },
    ]);
    expect(agent.bodies('/v1/heartbeats')).toHaveLength(3);
  });

  it('whose command was cut off by the end of the agent runs it anew', async () => {
    const [begun, log] = [join(directory, 'begun'), join(directory, 'log')];
    const command = `test -e ${begun} || { touch ${begun}; exec sleep 600; }; echo done > ${log}`;
    let isRestarted = false;
    const agent: Agent = await setup(
      {
        drainHook: hook(command),
        between: () =>
          isRestarted
            ? until('the command has ended', () => count(agent, 'hook_ended') === 1)
            : until('the command runs', () => readFile(begun).then(Boolean, () => false)),
      },
      { '/v1/heartbeats': [drain] },
    );
    await agent.run(1);
    expect(agent.state()?.drain).toEqual({ deadlineAt, isTold: false });
    isRestarted = true;
    await agent.run(1);
    expect(await lines(log)).toEqual(['done']);
    expect(agent.state()?.drain).toEqual({ deadlineAt, isTold: true });
  });
});

describe('a challenge', () => {
  const challenged = asked({ type: 'answer_challenge', verificationId: 'v-1', deadlineAt: null });
  const [path, evidencePath] = ['/v1/verifications/v-1', '/v1/verifications/v-1/evidence'];

  /** What the service says of the challenge, which is about the last of these GPUs. */
  async function answersOf(kind: string, states: FakeState[]): Promise<Record<string, Answer[]>> {
    const { gpus } = await fakeDriver({ states }).read('n-1');
    const challenge = { gpuId: 'g-2', kind, nonce: 'once', expiresAt: '2026-01-01T00:05:00.000Z' };
    return {
      '/v1/heartbeats': [challenged],
      [path]: [{ status: 200, body: challenge }],
      '/v1/gpus/g-2': [{ status: 200, body: { uuid: gpus.at(-1)?.uuid } }],
      [evidencePath]: [taken],
    };
  }

  /** An agent that is challenged three times over; it waits until an answer was given or failed. */
  async function challengedBy(kind: string, answers: Record<string, Answer[]>, challengeHook?: Hook) {
    const driver = fakeDriver({ states: ['healthy', 'spoofed'] });
    const { gpus } = await fakeDriver({ states: ['healthy', 'spoofed'] }).read('n-1');
    let [answered, failed] = [0, 0];
    const agent: Agent = await setup(
      {
        driver,
        challengeHook: challengeHook ?? null,
        between: async () => {
          await until('an answer or a failure', () => {
            const now = [count(agent, 'challenge_answered'), count(agent, 'challenge_failed')] as const;
            return now[0] > answered || now[1] > failed || isSettled(agent);
          });
          // What would still come, had time to.
          for (let probe = 0; probe < 5; probe++) await fetch(`${agent.url}/probe`);
          [answered, failed] = [count(agent, 'challenge_answered'), count(agent, 'challenge_failed')];
        },
      },
      { ...(await answersOf(kind, ['healthy', 'spoofed'])), ...answers },
    );
    return { agent, gpu: gpus[1] };
  }

  /** Nothing more is to come: it was answered, or finally refused. */
  let isSettled: (agent: Agent) => boolean;
  beforeEach(() => {
    isSettled = (agent) => count(agent, 'challenge_answered') > 0;
  });

  it('of the kind spec is answered once, with a reading of the GPU and the nonce', async () => {
    const { agent, gpu } = await challengedBy('spec', {});
    await agent.run(3);
    const [body, ...others] = agent.bodies(evidencePath);
    expect(others).toEqual([]);
    expect(body).toMatchObject({
      nonce: 'once',
      evidence: {
        ...{ schemaVersion: '1', kind: 'spec', nonce: 'once', source: 'fake' },
        gpu: { uuid: gpu?.uuid, driverVersion: '580.95.05' },
        specs: { memoryTotalMb: gpu?.specs.memoryTotalMb },
        capabilities: { supportsCuda: true },
      },
    });
    expect(JSON.stringify(body)).not.toContain('null');
    expect(agent.events().filter((event) => event.startsWith('challenge'))).toEqual([
      'challenged',
      'challenge_answered',
    ]);
  });

  it('of another kind is told to be beyond the agent, once, where there is no command for it', async () => {
    isSettled = (agent) => count(agent, 'challenge_failed') > 0;
    const { agent } = await challengedBy('tee', {});
    await agent.run(3);
    expect(told(agent, 'challenge_failed')).toHaveLength(1);
    expect(agent.paths()).not.toContain(evidencePath);
  });

  it('is answered by the command, which gets the reading and what is asked', async () => {
    const seen = join(directory, 'seen');
    const command = `cat > ${seen}; echo "{\\"report\\": \\"$INVENTORY_KIND $INVENTORY_NONCE $INVENTORY_GPU_UUID\\"}"`;
    const { agent, gpu } = await challengedBy('tee', {}, hook(command));
    await agent.run(2);
    expect(agent.bodies(evidencePath)).toEqual([
      { nonce: 'once', evidence: { report: `tee once ${gpu?.uuid}` } },
    ]);
    expect(JSON.parse(await readFile(seen, 'utf8'))).toMatchObject({ gpu: { uuid: gpu?.uuid } });
  });

  it.each([
    ['fails', 'echo no quote >&2; exit 1', 'ended with 1: no quote'],
    ['prints no JSON object', 'echo [1]', 'did not print a JSON object: [1]\n'],
  ])('whose command %s is tried again with the next heartbeat', async (_what, first, detail) => {
    const begun = join(directory, 'begun');
    const command = `test -e ${begun} && { cat; exit; }; touch ${begun}; ${first}`;
    const { agent } = await challengedBy('work', {}, hook(command));
    await agent.run(3);
    expect(told(agent, 'challenge_failed')).toEqual([
      { event: 'challenge_failed', verificationId: 'v-1', detail },
    ]);
    expect(agent.bodies(evidencePath)).toHaveLength(1);
  });

  it('is tried again when the service was away, and not when the answer is refused', async () => {
    isSettled = (agent) => count(agent, 'challenge_failed') > 1;
    const refused = [away, problem(410, 'verification.nonce_expired'), taken];
    const { agent } = await challengedBy('spec', { [evidencePath]: refused });
    await agent.run(4);
    expect(told(agent, 'challenge_failed')).toMatchObject([
      { detail: 'Later.' },
      { detail: 'verification.nonce_expired' },
    ]);
    expect(agent.bodies(evidencePath)).toHaveLength(2);
  });

  it('is not answered beside itself, however long the answer takes', async () => {
    const [begun, go] = [join(directory, 'begun'), join(directory, 'go')];
    const command = `echo begun >> ${begun}; until test -e ${go}; do sleep 0.02; done; cat`;
    const agent: Agent = await setup(
      {
        driver: fakeDriver({ states: ['healthy'] }),
        challengeHook: hook(command),
        between: async (round) => {
          await until('the command runs', () => readFile(begun).then(Boolean, () => false));
          if (round < 3) return;
          await writeFile(go, '');
          await until('it was answered', () => count(agent, 'challenge_answered') > 0);
        },
      },
      await answersOf('work', ['healthy']),
    );
    await agent.run(3);
    expect(await lines(begun)).toEqual(['begun']);
    expect(agent.bodies(evidencePath)).toHaveLength(1);
  });

  it('of a GPU that is not seen fails', async () => {
    isSettled = (agent) => count(agent, 'challenge_failed') > 0;
    const gone = { '/v1/gpus/g-2': [{ status: 200, body: { uuid: 'GPU-gone' } }] };
    const { agent } = await challengedBy('spec', gone);
    await agent.run(1);
    expect(told(agent, 'challenge_failed')).toMatchObject([{ detail: 'GPU-gone is not seen.' }]);
  });
});
