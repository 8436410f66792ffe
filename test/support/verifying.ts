import { afterAll, afterEach, beforeAll, expect } from '@jest/globals';
import { versionFaults } from './changes.ts';
import { createKey, createNode, type TestNode } from './fleet.ts';
import { createGpus, gpuInput } from './gpu-inputs.ts';
import { type Client, startService, type TestService } from './service.ts';

/** What agents submit, unless a test says otherwise. */
export const evidence = { schemaVersion: '1', nvml: { uuid: 'GPU-1', memory: 24564 } };

/** A verifier at work on a service. */
class Verifying {
  readonly verifier: Client;
  readonly operator: Client;
  readonly #service: TestService;

  private constructor(service: TestService, key: string) {
    this.#service = service;
    this.verifier = service.as(key);
    this.operator = service.as();
  }

  static async start(service: TestService): Promise<Verifying> {
    return new Verifying(service, await createKey(service, { role: 'verifier' }));
  }

  /** A GPU on a node of its own; `more` are fields of it. */
  async setup(more: Record<string, unknown> = {}): Promise<{ node: TestNode; gpuId: string }> {
    const node = await createNode(this.#service);
    const [gpu] = await createGpus(this.#service, node, [gpuInput(more)]);
    return { node, gpuId: gpu?.id ?? '' };
  }

  async challenge(gpuId: string, kind = 'spec') {
    return (await this.verifier.post('/v1/verifications').send({ gpuId, kind }).expect(201)).body;
  }

  submit(client: Client, id: string, body: object) {
    return client.post(`/v1/verifications/${id}/evidence`).send(body);
  }

  decide(id: string, body: object) {
    return this.verifier.post(`/v1/verifications/${id}/verdict`).send(body);
  }

  /** All three steps; the decided verification. */
  async verify(gpuId: string, kind: string, verdict: object, claim: object = evidence) {
    const { id, nonce } = await this.challenge(gpuId, kind);
    await this.submit(this.operator, id, { nonce, evidence: claim }).expect(200);
    return (await this.decide(id, verdict).expect(200)).body;
  }

  /** The time of a challenge is over. */
  expire(id: string) {
    return this.#service.sql.query(
      'UPDATE inventory.verification SET expires_at = clock_timestamp() WHERE id = $1',
      [id],
    );
  }
}

/** One service for the tests of a file, with a verifier at work on it. */
export function useVerifying() {
  let service: TestService;
  let verifying: Verifying;
  beforeAll(async () => {
    service = await startService();
    verifying = await Verifying.start(service);
  });
  afterAll(() => service.stop());
  afterEach(async () => {
    expect(await versionFaults(service.sql)).toEqual([]);
  });
  return { service: () => service, verifying: () => verifying };
}
