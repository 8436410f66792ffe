import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { createNode, createProvider, type TestNode } from './fleet.ts';
import { createGpus } from './gpu-inputs.ts';
import type { TestService } from './service.ts';

/** A GPU as the API shows it, with what filters know of its node and provider. */
export interface KnownGpu {
  id: string;
  hostname: string;
  reputation: number | null;
  [field: string]: unknown;
}

const cards = [
  ['nvidia', 'NVIDIA GeForce RTX 4090', '10de:2684', 24_564],
  ['nvidia', 'NVIDIA GeForce RTX 3090', '10de:2204', 24_576],
  ['nvidia', 'NVIDIA H100 PCIe', '10de:2331', 81_559],
  ['amd', 'AMD Instinct MI300X', '1002:74a1', 196_592],
  ['intel', 'Home-made accelerator', null, null],
] as const;

const maybe = <T>(...values: T[]) => fc.option(fc.constantFrom(...values), { nil: undefined });

const input = fc.record({
  card: fc.constantFrom(...cards),
  index: maybe(0, 1, 7),
  serial: maybe('S-1', 'S-2'),
  driverVersion: maybe('535.86.05', '535.129.3', '550.54.15', '6.10.5-dkms'),
  cudaVersion: maybe('12', '12.0', '12.4', '13.0'),
  pricePerHourNanoUsd: maybe('0', '250000000', '999999999999999999'),
  labels: fc.dictionary(fc.constantFrom('rack', 'zone/a'), fc.constantFrom('x', 'y'), { maxKeys: 2 }),
  architecture: maybe('Ada', 'Hopper'),
  computeCapability: maybe('8.6', '8.9', '9.0'),
  cudaCores: maybe(0, 10_496, 16_384),
  powerLimitW: maybe(350, 450.5),
  memoryBandwidthGbps: maybe(936.2, 1008),
  pcieWidth: maybe(8, 16),
  supportsCuda: maybe(true, false),
  supportsEcc: maybe(true, false),
});

const state = fc.record({
  lifecycle: fc.constantFrom('active', 'active', 'maintenance', 'retired'),
  presence: fc.constantFrom('present', 'present', 'missing'),
  health: fc.constantFrom('ok', 'warning', 'failed', 'unknown'),
  blocks: fc.constantFrom(0, 0, 128, 2048, 256),
  region: fc.constantFrom('eu', 'us-east', 'ap.1'),
  level: fc.constantFrom(0, 1, 2, 4),
  used: fc.constantFrom('free', 'free', 'held', 'expired', 'active'),
  reputation: fc.option(fc.constantFrom(0, 0.1, 0.9)),
  telemetry: fc.option(
    fc.record({
      utilization: fc.option(fc.constantFrom(0, 33.3, 100)),
      memoryUsedMb: fc.option(fc.constantFrom(0, 564, 20_000)),
      temperatureC: fc.option(fc.constantFrom(35, 71.5)),
      eccUncorrected: fc.option(fc.constantFrom(0, 3)),
    }),
  ),
});

type Input = typeof input extends fc.Arbitrary<infer T> ? T : never;

const body = ({ card, architecture, computeCapability, cudaCores, powerLimitW, ...rest }: Input) => {
  const [vendor, name, pciDeviceId, memoryTotalMb] = card;
  const { memoryBandwidthGbps, pcieWidth, supportsCuda, supportsEcc, ...facts } = rest;
  return {
    ...facts,
    uuid: `GPU-${randomUUID()}`,
    vendor,
    name,
    pciDeviceId,
    specs: {
      memoryTotalMb,
      architecture,
      computeCapability,
      cudaCores,
      powerLimitW,
      memoryBandwidthGbps,
      pcieWidth,
    },
    capabilities: { supportsCuda, supportsEcc },
  };
};

/**
 * A fleet of `count` GPUs in every state that a filter can tell, the same for the same seed, spread over as many nodes of
 * each provider as `layout` says; returns them as the API shows them.
 */
export async function randomFleet(
  service: TestService,
  count: number,
  seed: number,
  layout: readonly number[] = [2, 1, 1],
): Promise<KnownGpu[]> {
  const nodes: TestNode[] = [];
  for (const size of layout) {
    const { id } = await createProvider(service);
    for (let node = 0; node < size; node++) nodes.push(await createNode(service, id));
  }
  const draws = fc.sample(fc.record({ input, state }), { numRuns: count, seed });
  const made = [];
  for (const [index, node] of nodes.entries()) {
    const mine = draws.filter((_, place) => place % nodes.length === index);
    const gpus = await createGpus(
      service,
      node,
      mine.map((draw) => body(draw.input)),
    );
    made.push(...gpus.map(({ id }, place) => ({ id, ...mine[place]?.state })));
  }
  await writeStates(service, made);
  return readFleet(service);
}

async function writeStates(service: TestService, states: readonly object[]): Promise<void> {
  const json = JSON.stringify(states);
  await service.sql.query(
    `UPDATE inventory.gpu_state s
        SET lifecycle = r.lifecycle, presence = r.presence, health = r.health, blocks = r.blocks, region = r.region,
            reputation = r.reputation,
            level1_until = CASE WHEN r.level >= 1 THEN now() + interval '1 day' END,
            level2_until = CASE WHEN r.level >= 2 THEN now() + interval '1 day' ELSE now() - interval '1 day' END,
            level4_until = CASE WHEN r.level >= 4 THEN now() + interval '1 day' END,
            used_units = CASE WHEN r.used = 'free' THEN 0 ELSE 1000 END,
            active_units = CASE WHEN r.used = 'active' THEN 1000 ELSE 0 END,
            held_until = CASE r.used WHEN 'held' THEN now() + interval '1 day' WHEN 'expired' THEN now() - interval '1 s' END
       FROM jsonb_to_recordset($1::jsonb) AS r(id uuid, lifecycle text, presence text, health text, blocks integer,
                                               region text, reputation real, level integer, used text)
      WHERE s.gpu_id = r.id`,
    [json],
  );
  await service.sql.query(
    `INSERT INTO inventory.gpu_telemetry (gpu_id, at, utilization, memory_used_mb, temperature_c, ecc_uncorrected)
     SELECT r.id, now(), t."utilization", t."memoryUsedMb", t."temperatureC", t."eccUncorrected"
       FROM jsonb_to_recordset($1::jsonb) AS r(id uuid, telemetry jsonb),
            jsonb_to_record(r.telemetry) AS t("utilization" real, "memoryUsedMb" integer, "temperatureC" real,
                                              "eccUncorrected" bigint)
      WHERE jsonb_typeof(r.telemetry) = 'object'`,
    [json],
  );
}

type Shown = Record<string, object> & { id: string };

/** Every GPU there is, retired ones as well, flat: measures, abilities and readings beside the rest. */
async function readFleet(service: TestService): Promise<KnownGpu[]> {
  const items: Shown[] = [];
  let cursor: string | undefined;
  do {
    const { body: page } = await service
      .as()
      .get('/v1/gpus')
      .query({ 'lifecycle.in': 'active,maintenance,retired', limit: 500, ...(cursor && { cursor }) })
      .expect(200);
    items.push(...page.items);
    cursor = page.nextCursor ?? undefined;
  } while (cursor);
  const { rows } = await service.sql.query<{ id: string; hostname: string; reputation: number | null }>(
    `SELECT s.gpu_id AS id, n.hostname, s.reputation FROM inventory.gpu_state s JOIN inventory.node n ON n.id = s.node_id`,
  );
  const beside = new Map(rows.map((row) => [row.id, row]));
  return items.map(({ specs, capabilities, telemetry, verification, ...gpu }) => ({
    ...telemetry,
    ...gpu,
    ...specs,
    ...capabilities,
    verificationLevel: (verification as { level: number }).level,
    hostname: '',
    reputation: null,
    ...beside.get(gpu.id),
  }));
}
