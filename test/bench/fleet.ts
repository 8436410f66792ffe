import type pg from 'pg';

export interface FleetSize {
  providers: number;
  gpus: number;
}

const regions = [
  'us-east',
  'us-west',
  'us-central',
  'ca-central',
  'eu-central',
  'eu-west',
  'eu-north',
  'uk-south',
  'ap-south',
  'ap-east',
  'ap-northeast',
  'sa-east',
];

/**
 * Loads a fleet by SQL as the owner: what the API would have written, without its hundred thousands of requests.
 * Twenty-four models of the catalogue, the first ones more often than the last.
 */
export async function loadFleet(
  owner: pg.Pool,
  { providers, gpus }: FleetSize,
  log: (line: string) => void,
): Promise<void> {
  const { rows } = await owner.query<{ id: string; vendor: string; memory: number }>(
    `SELECT id, vendor, (specs->>'memoryTotalMb')::int AS memory FROM (
       SELECT *, row_number() OVER (PARTITION BY vendor ORDER BY hashtext(id)) AS place FROM inventory.gpu_model
        WHERE (specs->>'memoryTotalMb')::int >= 8192 AND cardinality(pci_ids) > 0 AND vendor IN ('nvidia', 'amd')) m
      WHERE place <= CASE vendor WHEN 'nvidia' THEN 22 ELSE 2 END ORDER BY vendor = 'amd', place LIMIT 24`,
  );
  const step = async (what: string, text: string, values: unknown[] = []) => {
    const begun = Date.now();
    await owner.query(text, values);
    log(`  ${what}: ${((Date.now() - begun) / 1000).toFixed(1)} s`);
  };
  const uuid = (prefix: string, n: string) => `('${prefix}' || lpad(to_hex(${n}), 12, '0'))::uuid`;
  await step(
    `${providers} providers`,
    `INSERT INTO inventory.provider (id, name, email, region)
     SELECT ${uuid('01900000-0000-7000-8000-', 'n')}, 'Provider ' || n, 'p' || n || '@bench.example', ($1::text[])[1 + n % 12]
       FROM generate_series(1, ${providers}) n`,
    [regions],
  );
  const nodes = Math.ceil(gpus / 4);
  await step(
    `${nodes} nodes`,
    `INSERT INTO inventory.node (id, provider_id, hostname, region)
     SELECT ${uuid('01900000-0000-7000-9000-', 'n')}, p.id, 'node-' || n, p.region
       FROM generate_series(1, ${nodes}) n
       JOIN inventory.provider p ON p.id = ${uuid('01900000-0000-7000-8000-', `1 + n % ${providers}`)}`,
  );
  await step(
    'their liveness',
    `INSERT INTO inventory.node_heartbeat (node_id, provider_id, liveness, sequence, last_heartbeat_at, deadline_at)
     SELECT id, provider_id, 'online', 1, clock_timestamp(), clock_timestamp() + interval '1 day' FROM inventory.node`,
  );
  await step(
    `${gpus} GPUs`,
    `INSERT INTO inventory.gpu (id, node_id, provider_id, vendor, uuid, uuid_key, name)
     SELECT ${uuid('01900000-0000-7000-a000-', 'g')}, n.id, n.provider_id, 'nvidia', 'GPU-' || g, 'gpu-' || g, 'GPU ' || g
       FROM generate_series(1, ${gpus}) g
       JOIN inventory.node n ON n.id = ${uuid('01900000-0000-7000-9000-', '1 + (g - 1) / 4')}`,
  );
  await step(
    'their state',
    `INSERT INTO inventory.gpu_state (gpu_id, seq, node_seq, node_id, provider_id, root_gpu_id, slot_index, vendor, model_id,
            region, memory_total_mb, cuda_version, compute_capability, driver_version, supports_cuda, reputation,
            price_per_hour_nano_usd, blocks, health)
     SELECT g.id, g.seq, n.seq, n.id, g.provider_id, g.id, g.seq % 4, m.vendor, m.id, n.region, m.memory,
            CASE WHEN m.vendor = 'nvidia' THEN '12.' || g.seq % 9 END, '8.' || g.seq % 10, '550.' || g.seq % 200,
            m.vendor = 'nvidia', (hashint8(g.seq) & 1023) / 1023.0,
            (100 + (hashint8(g.seq * 7) & 4095)) * 1000000::bigint,
            CASE WHEN hashint8(g.seq * 13) & 7 < 3 THEN 16 ELSE 0 END, 'ok'
       FROM inventory.gpu g
       JOIN inventory.node n ON n.id = g.node_id
       JOIN unnest($1::text[], $2::text[], $3::int[]) WITH ORDINALITY AS m(id, vendor, memory, place)
         ON m.place = 1 + floor(((hashint8(g.seq * 31) & 65535) / 65536.0) * ((hashint8(g.seq * 17) & 65535) / 65536.0) * $4::int)`,
    [rows.map((m) => m.id), rows.map((m) => m.vendor), rows.map((m) => m.memory), rows.length],
  );
  await step(
    'their telemetry',
    `INSERT INTO inventory.gpu_telemetry (gpu_id, at, utilization, memory_used_mb, memory_utilization, temperature_c,
            power_draw_w, fan_speed, sm_clock_mhz, memory_clock_mhz, ecc_uncorrected)
     SELECT gpu_id, clock_timestamp(), seq % 101, seq % 8192, seq % 97, 30 + seq % 50, 50.5 + seq % 300, seq % 100,
            1000 + seq % 1500, 5000 + seq % 5000, 0
       FROM inventory.gpu_state`,
  );
  await step('VACUUM ANALYZE', 'VACUUM ANALYZE');
}
