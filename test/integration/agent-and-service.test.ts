import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import * as agent from '../../src/agent/index.ts';
import { createProvider } from '../support/fleet.ts';
import { type Client, startService, type TestService } from '../support/service.ts';
import { until } from '../support/until.ts';

let service: TestService;
let operator: Client;
let directory: string;
const stop = new AbortController();
const events: agent.AgentEvent[] = [];
let running: Promise<void>;
let nodeId: string;

/** The agent with fake GPUs, a healthy and a spoofed one; it looks every 20 ms, whatever the service says. */
beforeAll(async () => {
  service = await startService({ DIRECTIVES_INTERVAL_MS: '20' });
  operator = service.as();
  directory = await mkdtemp(join(tmpdir(), 'agent-'));
  const { id } = await createProvider(service);
  const { body } = await operator.post(`/v1/providers/${id}/enrollment-tokens`).send({}).expect(201);
  running = agent.runAgent({
    url: service.url,
    hostname: 'gpu-box',
    credential: { token: body.token },
    client: agent.inventoryClient({ url: service.url, signal: stop.signal }),
    driver: agent.fakeDriver({ states: ['healthy', 'spoofed'] }),
    host: agent.localHost(),
    store: agent.stateFile(directory),
    drainHook: {
      command: `echo "$INVENTORY_EVENT $INVENTORY_DEADLINE_AT" >> ${directory}/drains`,
      timeoutMs: 60_000,
    },
    challengeHook: {
      command: `test $INVENTORY_KIND = spec && exec cat; echo "{\\"quote\\": \\"of $INVENTORY_NONCE\\"}"`,
      timeoutMs: 60_000,
    },
    usageEveryMs: 100,
    signal: stop.signal,
    clock: Date.now,
    sleep: (_ms, signal) => delay(20, undefined, { signal }),
    random: Math.random,
    report: (event) => events.push(event),
  });
  await until('a heartbeat', () => events.some(({ event }) => event === 'heartbeat'));
  nodeId = (await agent.stateFile(directory).load())?.nodeId ?? '';
});

afterAll(async () => {
  stop.abort();
  await running;
  await service.stop();
  await rm(directory, { recursive: true });
});

const gpuAt = async (index: number) =>
  (await operator.get(`/v1/gpus?nodeId=${nodeId}&index=${index}`).expect(200)).body.items[0];
const verification = async (id: string) => (await operator.get(`/v1/verifications/${id}`).expect(200)).body;

async function challenge(gpuId: string, kind: string) {
  const { body } = await operator.post('/v1/verifications').send({ gpuId, kind }).expect(201);
  await until('the evidence', async () => (await verification(body.id)).state === 'submitted');
  return verification(body.id);
}

it('what its GPUs do is told over time', async () => {
  const { id } = await gpuAt(0);
  const ask = async (metric: string) => {
    const query = `metric=${metric}&gpuId=${id}&agg=count&step=1d`;
    return (await operator.get(`/v1/usage-metrics?${query}`).expect(200)).body.series;
  };
  await until('samples', async () => (await ask('powerDrawW'))[0]?.points[0].value > 3);
  expect(await ask('temperatureC')).toMatchObject([{ unit: '°C' }]);
  const published = events.filter(({ event }) => event === 'usage_published');
  expect(published).not.toHaveLength(0);
  for (const event of published) expect(event).toMatchObject({ rejected: 0 });
});

it('a challenge is answered by the agent: the verdict on its reading raises the level', async () => {
  const gpu = await gpuAt(0);
  const { id, nonce, evidence, submittedBy } = await challenge(gpu.id, 'spec');
  expect(evidence).toMatchObject({ kind: 'spec', nonce, gpu: { uuid: gpu.uuid, index: 0 } });
  expect(evidence.specs.memoryTotalMb).toBe(gpu.specs.memoryTotalMb);
  expect(submittedBy).toMatch(/^agent:/);
  await operator.post(`/v1/verifications/${id}/verdict`).send({ verdict: 'valid' }).expect(200);
  const { body } = await operator.get(`/v1/gpus/${gpu.id}`).expect(200);
  expect(body.verification.level).toBeGreaterThan(0);
});

it('the reading of a spoofed GPU is what the verifier can tell it by', async () => {
  const spoofed = await gpuAt(1);
  const { id, evidence } = await challenge(spoofed.id, 'spec');
  expect(evidence.gpu.name).toContain('4090');
  expect(evidence.specs.memoryTotalMb).toBeLessThan(13_000);
  const finding = { kind: 'spec_mismatch', detail: { measured: evidence.specs.memoryTotalMb } };
  await operator
    .post(`/v1/verifications/${id}/verdict`)
    .send({ verdict: 'invalid', findings: [finding] })
    .expect(200);
  const { body } = await operator.get(`/v1/gpus/${spoofed.id}`).expect(200);
  expect(body.verification.level).toBe(0);
});

it('a challenge that needs a tool is answered by the operator’s command', async () => {
  const gpu = await gpuAt(0);
  const { nonce, evidence } = await challenge(gpu.id, 'tee');
  expect(evidence).toEqual({ quote: `of ${nonce}` });
});

it('an order to drain reaches the operator’s command when it begins and when it ends', async () => {
  const deadlineAt = new Date(Date.now() + 3_600_000).toISOString();
  const log = () => readFile(join(directory, 'drains'), 'utf8').catch(() => '');
  await operator.post(`/v1/nodes/${nodeId}/drain`).send({ deadlineAt }).expect(200);
  await until('the drain has begun', async () => (await log()) === `drain_began ${deadlineAt}\n`);
  await until('it is kept', async () => (await agent.stateFile(directory).load())?.drain?.isTold === true);
  const { headers } = await operator.get(`/v1/nodes/${nodeId}`).expect(200);
  await operator
    .patch(`/v1/nodes/${nodeId}`)
    .set('if-match', String(headers.etag))
    .send({ eligibility: 'eligible' })
    .expect(200);
  await until('it has ended', async () => (await log()).endsWith(`drain_ended ${deadlineAt}\n`));
  await until('it is forgotten', async () => (await agent.stateFile(directory).load())?.drain === null);
});
