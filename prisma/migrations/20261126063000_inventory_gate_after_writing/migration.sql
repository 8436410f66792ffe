-- The gates 65536 and 131072 follow what a row says by triggers AFTER it is written. A trigger for each row BEFORE an UPDATE, even
-- one that a claim has no use for, makes PostgreSQL compute all generated columns of the row again, since it might have
-- changed anything: three ranks of versions at each claim and release, a sixth of what those cost. A row whose gate then
-- turns is written twice; that concerns partitions and their physical GPUs alone.
DROP TRIGGER gate_partition ON inventory.gpu_state;
DROP TRIGGER gate_whole ON inventory.gpu_state;

CREATE OR REPLACE FUNCTION inventory.gate_partition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE inventory.gpu_state s SET blocks = s.blocks # 65536
   WHERE s.gpu_id = NEW.gpu_id
     AND (s.blocks & 65536 <> 0) <> (s.root_gpu_id <> s.gpu_id AND EXISTS (
       SELECT FROM inventory.gpu_state r
        WHERE r.gpu_id = s.root_gpu_id AND (r.blocks & 1472 <> 0 OR r.node_id <> s.node_id)));
  RETURN NULL;
END $$;

CREATE TRIGGER gate_partition AFTER INSERT OR UPDATE OF blocks, root_gpu_id, node_id ON inventory.gpu_state
  FOR EACH ROW WHEN (NEW.root_gpu_id <> NEW.gpu_id OR NEW.blocks & 65536 <> 0) EXECUTE FUNCTION inventory.gate_partition();

CREATE OR REPLACE FUNCTION inventory.gate_partitions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE inventory.gpu_state p SET blocks = p.blocks # 65536
   WHERE p.root_gpu_id = NEW.gpu_id AND p.root_gpu_id <> p.gpu_id AND p.deleted_at IS NULL
     AND (p.blocks & 65536 <> 0) <> (NEW.blocks & 1472 <> 0 OR p.node_id <> NEW.node_id);
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION inventory.gate_whole() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE inventory.gpu_state r SET blocks = r.blocks # 131072
   WHERE r.gpu_id = NEW.gpu_id
     AND (r.blocks & 131072 <> 0) <> EXISTS (
       SELECT FROM inventory.gpu_state p
        WHERE p.root_gpu_id = r.gpu_id AND p.root_gpu_id <> p.gpu_id AND p.deleted_at IS NULL AND p.blocks & 3072 <> 0);
  RETURN NULL;
END $$;

CREATE TRIGGER gate_whole AFTER UPDATE OF blocks ON inventory.gpu_state
  FOR EACH ROW WHEN (OLD.blocks & 131072 <> 0 OR NEW.blocks & 131072 <> 0) EXECUTE FUNCTION inventory.gate_whole();

CREATE OR REPLACE FUNCTION inventory.gate_whole_of_partition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM inventory.gpu_state r
    WHERE r.gpu_id IN (NEW.root_gpu_id, OLD.root_gpu_id) ORDER BY r.gpu_id FOR NO KEY UPDATE;
  UPDATE inventory.gpu_state r SET blocks = r.blocks # 131072
   WHERE r.gpu_id IN (NEW.root_gpu_id, OLD.root_gpu_id)
     AND (r.blocks & 131072 <> 0) <> EXISTS (
       SELECT FROM inventory.gpu_state p
        WHERE p.root_gpu_id = r.gpu_id AND p.root_gpu_id <> p.gpu_id AND p.deleted_at IS NULL AND p.blocks & 3072 <> 0);
  RETURN NULL;
END $$;
