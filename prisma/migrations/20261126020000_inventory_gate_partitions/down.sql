DROP TRIGGER gate_new_partitions ON inventory.gpu_state;
DROP TRIGGER gate_partitions ON inventory.gpu_state;
DROP TRIGGER gate_partition ON inventory.gpu_state;
DROP FUNCTION inventory.gate_partitions();
DROP FUNCTION inventory.gate_partition();
UPDATE inventory.gpu_state SET blocks = blocks & ~65536 WHERE blocks & 65536 <> 0;
CREATE OR REPLACE FUNCTION inventory.state_through_root(root uuid, moment timestamptz) RETURNS text
LANGUAGE sql STABLE COST 10 AS $$
  SELECT CASE WHEN r.partition_units > 0 THEN 'free' WHEN r.active_units > 0 THEN 'allocated'
              WHEN r.used_units > 0 AND r.held_until > moment THEN 'held' ELSE 'free' END
    FROM inventory.gpu_state r WHERE r.gpu_id = root
$$;
