import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { versionFaults } from '../support/changes.ts';
import { createNode } from '../support/fleet.ts';
import { createGpus, getGpu, gpuInput } from '../support/gpu-inputs.ts';
import { type Client, startService, type TestService } from '../support/service.ts';

let service: TestService;
let operator: Client;
beforeAll(async () => {
  service = await startService();
  operator = service.as();
});
afterAll(() => service.stop());

describe('evidence at once', () => {
  it('for one nonce is taken once: one 200, 49 times 409', async () => {
    const { id, nonce } = await challenge(await newGpu());
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, sender) => submit(id, { nonce, evidence: { sender } })),
    );
    expect(tally(answers.map(({ status, body }) => body.code ?? status))).toEqual({
      200: 1,
      'verification.nonce_used': 49,
    });
    const taken = answers.find(({ status }) => status === 200)?.body;
    const { body } = await operator.get(`/v1/verifications/${id}`).expect(200);
    expect(body).toEqual(taken);
    expect(await versionFaults(service.sql)).toEqual([]);
  });
});

describe('verdicts at once', () => {
  it('on one verification leave one, and the level that it says', async () => {
    const gpuId = await newGpu();
    const { id, nonce } = await challenge(gpuId);
    await submit(id, { nonce, evidence: {} }).expect(200);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => decide(id, { verdict: i % 2 ? 'valid' : 'invalid' })),
    );
    expect(tally(answers.map(({ status, body }) => body.code ?? status))).toEqual({
      200: 1,
      'verification.already_decided': 19,
    });
    const decided = answers.find(({ status }) => status === 200)?.body;
    expect((await getGpu(service, gpuId)).verification.level).toBe(decided.level);
    expect(await versionFaults(service.sql)).toEqual([]);
  });

  it('on several verifications of one GPU add up as if one came after the other', async () => {
    const gpuId = await newGpu();
    const kinds = ['spec', 'benchmark', 'work', 'tee', 'spec', 'work'];
    const challenges = await Promise.all(kinds.map((kind) => challenge(gpuId, kind)));
    await Promise.all(challenges.map(({ id, nonce }) => submit(id, { nonce, evidence: {} }).expect(200)));
    const answers = await Promise.all(challenges.map(({ id }) => decide(id, { verdict: 'valid' })));
    expect(answers.map(({ status, body }) => [status, body.level])).toEqual(
      [1, 2, 3, 4, 1, 3].map((level) => [200, level]),
    );
    expect((await getGpu(service, gpuId)).verification.level).toBe(4);
    expect(await versionFaults(service.sql)).toEqual([]);
  });
});

async function newGpu(): Promise<string> {
  const [gpu] = await createGpus(service, await createNode(service), [gpuInput()]);
  return gpu?.id ?? '';
}

const challenge = async (gpuId: string, kind = 'spec') =>
  (await operator.post('/v1/verifications').send({ gpuId, kind }).expect(201)).body;

const submit = (id: string, body: object) => operator.post(`/v1/verifications/${id}/evidence`).send(body);

const decide = (id: string, body: object) => operator.post(`/v1/verifications/${id}/verdict`).send(body);

const tally = (words: readonly (string | number)[]): Record<string, number> =>
  words.reduce<Record<string, number>>((counts, word) => {
    counts[word] = (counts[word] ?? 0) + 1;
    return counts;
  }, {});
