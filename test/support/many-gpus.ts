import type pg from 'pg';

/** Free GPUs of 50 models in 10 regions, eight a node, priced apart, written straight into the tables. */
export async function manyGpus(owner: pg.Pool, count: number): Promise<void> {
  await owner.query(
    `WITH provider AS (
       INSERT INTO inventory.provider (id, name, email, region)
       SELECT gen_random_uuid(), 'Many', 'many-' || i || '@example.test', 'r0' FROM generate_series(1, 60) i RETURNING id
     ), ranked AS (SELECT id, row_number() OVER () - 1 AS nth FROM provider), node AS (
       INSERT INTO inventory.node (id, provider_id, hostname, region)
       SELECT gen_random_uuid(), r.id, 'many-' || i, 'r0'
         FROM generate_series(1, $1::integer / 8) i JOIN ranked r ON r.nth = i % 60 RETURNING id, seq, provider_id
     ), made AS (
       INSERT INTO inventory.gpu (id, node_id, provider_id, vendor, uuid, uuid_key, name)
       SELECT gen_random_uuid(), n.id, n.provider_id, 'nvidia', n.id || '-' || i, n.id || '-' || i, 'GPU'
         FROM node n, generate_series(1, 8) i RETURNING id, seq, node_id, provider_id)
     INSERT INTO inventory.gpu_state (gpu_id, seq, node_seq, node_id, provider_id, root_gpu_id, vendor, model_id, region,
                                      memory_total_mb, price_per_hour_nano_usd)
     SELECT m.id, m.seq, n.seq, n.id, n.provider_id, m.id, 'nvidia', 'model-' || m.seq % 50, 'r' || m.seq % 10,
            8192, m.seq % 1000 FROM made m JOIN node n ON n.id = m.node_id`,
    [count],
  );
  // Until their commit is on disk, which the tests' server does not wait for, rows are not marked as visible to all.
  await owner.query('CHECKPOINT');
  await owner.query('VACUUM ANALYZE inventory.gpu_state, inventory.gpu, inventory.gpu_telemetry');
}
