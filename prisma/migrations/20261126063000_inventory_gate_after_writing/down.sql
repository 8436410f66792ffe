DROP TRIGGER gate_partition ON inventory.gpu_state;
DROP TRIGGER gate_whole ON inventory.gpu_state;

CREATE OR REPLACE FUNCTION inventory.gate_partition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.blocks := NEW.blocks & ~65536;
  IF NEW.root_gpu_id <> NEW.gpu_id AND EXISTS (
       SELECT FROM inventory.gpu_state r
        WHERE r.gpu_id = NEW.root_gpu_id AND (r.blocks & 1472 <> 0 OR r.node_id <> NEW.node_id)) THEN
    NEW.blocks := NEW.blocks | 65536;
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER gate_partition BEFORE INSERT OR UPDATE OF blocks, root_gpu_id, node_id ON inventory.gpu_state
  FOR EACH ROW WHEN (NEW.root_gpu_id <> NEW.gpu_id OR NEW.blocks & 65536 <> 0) EXECUTE FUNCTION inventory.gate_partition();

CREATE OR REPLACE FUNCTION inventory.gate_partitions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE inventory.gpu_state p SET blocks = p.blocks
   WHERE p.root_gpu_id = NEW.gpu_id AND p.root_gpu_id <> p.gpu_id AND p.deleted_at IS NULL
     AND (p.blocks & 65536 <> 0) <> (NEW.blocks & 1472 <> 0 OR p.node_id <> NEW.node_id);
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION inventory.gate_whole() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.blocks := NEW.blocks & ~131072;
  IF EXISTS (SELECT FROM inventory.gpu_state p
              WHERE p.root_gpu_id = NEW.gpu_id AND p.root_gpu_id <> p.gpu_id AND p.deleted_at IS NULL
                AND p.blocks & 3072 <> 0) THEN
    NEW.blocks := NEW.blocks | 131072;
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER gate_whole BEFORE UPDATE OF blocks ON inventory.gpu_state
  FOR EACH ROW WHEN (OLD.blocks & 131072 <> 0 OR NEW.blocks & 131072 <> 0) EXECUTE FUNCTION inventory.gate_whole();

CREATE OR REPLACE FUNCTION inventory.gate_whole_of_partition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM inventory.gpu_state r
    WHERE r.gpu_id IN (NEW.root_gpu_id, OLD.root_gpu_id) ORDER BY r.gpu_id FOR NO KEY UPDATE;
  UPDATE inventory.gpu_state r SET blocks = r.blocks | 131072
   WHERE r.gpu_id IN (NEW.root_gpu_id, OLD.root_gpu_id)
     AND (r.blocks & 131072 <> 0) <> EXISTS (
       SELECT FROM inventory.gpu_state p
        WHERE p.root_gpu_id = r.gpu_id AND p.root_gpu_id <> p.gpu_id AND p.deleted_at IS NULL AND p.blocks & 3072 <> 0);
  RETURN NULL;
END $$;
