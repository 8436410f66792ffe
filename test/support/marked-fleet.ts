import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach } from '@jest/globals';
import { unswept } from './ledger.ts';
import { createTenant, openNode, type TestTenant } from './schedulable.ts';
import { startService, type TestService } from './service.ts';

type Request = { filter?: object } & Record<string, unknown>;

export const rtx4090 = { pricePerHourNanoUsd: '100000000' };
export const h100 = {
  name: 'NVIDIA H100 PCIe',
  pciDeviceId: '10de:2331',
  specs: { memoryTotalMb: 81_559 },
  pricePerHourNanoUsd: '900000000',
};

/** A candidate, as far as tests look at it. */
export interface Shown {
  classes: { modelId: string; nodeId?: string; count: number; available: number }[];
  gpuIds: string[];
  scoreTerms: Record<string, number>;
}

/** GPUs that bear the mark of one test, whose requests ask for no others. */
class MarkedFleet {
  readonly mark = randomUUID();
  readonly #service: TestService;
  readonly #tenant: TestTenant;

  constructor(service: TestService, tenant: TestTenant) {
    this.#service = service;
    this.#tenant = tenant;
  }

  open({ input = rtx4090, ...layout }: { gpus: number; providerId?: string; input?: object }) {
    return openNode(this.#service, { ...layout, input: { ...input, labels: { test: this.mark } } });
  }

  /** The request with its filters narrowed to these GPUs. */
  marked<R extends Request>(request: R) {
    return { ...request, filter: { ...request.filter, labels: { test: this.mark } } };
  }

  ask(request: Request) {
    return this.#service.as(this.#tenant.key).post('/v1/candidates').send(this.marked(request));
  }
}

type Layout = Parameters<MarkedFleet['open']>[0];

/** One service for the tests of a file, and for each of them a tenant with a marked fleet of its own. */
export function useMarkedFleet() {
  let service: TestService;
  let tenant: TestTenant;
  let fleet: MarkedFleet;
  beforeAll(async () => {
    service = await startService(unswept);
  });
  afterAll(() => service.stop());
  beforeEach(async () => {
    tenant = await createTenant(service);
    fleet = new MarkedFleet(service, tenant);
  });
  return {
    service: () => service,
    tenant: () => tenant,
    client: () => service.as(tenant.key),
    mark: () => fleet.mark,
    open: (layout: Layout) => fleet.open(layout),
    marked: <R extends Request>(request: R) => fleet.marked(request),
    ask: (request: Request) => fleet.ask(request),
  };
}
