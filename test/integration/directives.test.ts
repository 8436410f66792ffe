import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createNode, type TestNode } from '../support/fleet.ts';
import { createGpus, gpuInput } from '../support/gpu-inputs.ts';
import { startService, type TestService } from '../support/service.ts';
import { createSweeper, miss } from '../support/sweeping.ts';
import { until } from '../support/until.ts';

let service: TestService;
let node: TestNode;
let sequence = 0;
beforeAll(async () => {
  service = await startService({ SWEEP_INTERVAL_MS: '3600000', DIRECTIVES_INTERVAL_MS: '20' });
});
afterAll(() => service.stop());
beforeEach(async () => {
  node = await createNode(service);
});

const beat = async (of = node) =>
  (
    await service
      .as(of.key)
      .post('/v1/heartbeats')
      .send({ nodeId: of.id, sequence: ++sequence, status: 'healthy' })
      .expect(202)
  ).body;
/** Heartbeats until one is answered as it should be. */
const untilAsked = (what: string, wanted: unknown) =>
  until(what, async () => JSON.stringify((await beat()).directives) === JSON.stringify(wanted));

describe('the answer to a heartbeat', () => {
  it('asks nothing of a node as a rule', async () => {
    expect(await beat()).not.toHaveProperty('directives');
    expect(await beat()).not.toHaveProperty('directives');
  });

  it('asks a node that comes back from silence to look at its GPUs again, once', async () => {
    await beat();
    const sweeper = createSweeper(service);
    await sweeper.sweep();
    await miss(service, [node], 11);
    await sweeper.sweep();
    await sweeper.sweep();
    await sweeper.close();
    expect((await beat()).directives).toEqual([{ type: 'take_snapshot' }]);
    expect(await beat()).not.toHaveProperty('directives');
  });

  it('tells a node that it is drained, until when, and no more once it is eligible', async () => {
    await service
      .as()
      .post(`/v1/nodes/${node.id}/drain`)
      .send({ deadlineAt: '2036-01-01T00:00:00Z' })
      .expect(200);
    await untilAsked('the node is told', [{ type: 'drain', deadlineAt: '2036-01-01T00:00:00.000Z' }]);
    await service
      .as()
      .patch(`/v1/nodes/${node.id}`)
      .set('if-match', '*')
      .send({ eligibility: 'eligible' })
      .expect(200);
    await untilAsked('it is told no more', undefined);
  });

  it('names the challenges that wait for an answer, to the node of the GPU alone', async () => {
    const [gpu] = await createGpus(service, node, [gpuInput()]);
    const other = await createNode(service);
    const { body } = await service
      .as()
      .post('/v1/verifications')
      .send({ gpuId: gpu?.id, kind: 'spec' })
      .expect(201);
    await untilAsked('the node is asked', [
      { type: 'answer_challenge', verificationId: body.id, gpuId: gpu?.id, deadlineAt: body.expiresAt },
    ]);
    expect(await beat(other)).not.toHaveProperty('directives');
    await service
      .as(node.key)
      .post(`/v1/verifications/${body.id}/evidence`)
      .send({ nonce: body.nonce, evidence: { specs: {} } })
      .expect(200);
    await untilAsked('it is asked no more', undefined);
  });
});
