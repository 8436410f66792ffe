-- Whoever uses a physical GPU as such has the memory of its partitions as well: while one of them waits for its cleaning (2048
-- gpu_cleaning) or is quarantined (1024 gpu_quarantined), the gate 131072, partition_unclean, of its physical GPU is shut. It
-- keeps back nothing but claims on that one as such. By triggers, as 65536 the other way about.
CREATE FUNCTION inventory.gate_whole() RETURNS trigger LANGUAGE plpgsql AS $$
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

-- The physical GPUs look again, one partition after another: two that become clean at once must not wait for each other's
-- word. Whoever turns the gates of a partition through the service holds these locks already.
CREATE FUNCTION inventory.gate_whole_of_partition() RETURNS trigger LANGUAGE plpgsql AS $$
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

CREATE TRIGGER gate_whole_of_partition AFTER UPDATE OF blocks, root_gpu_id, deleted_at ON inventory.gpu_state
  FOR EACH ROW WHEN ((NEW.root_gpu_id <> NEW.gpu_id OR OLD.root_gpu_id <> OLD.gpu_id)
    AND ((OLD.blocks & 3072 <> 0) <> (NEW.blocks & 3072 <> 0) OR OLD.root_gpu_id <> NEW.root_gpu_id
      OR (OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL)))
  EXECUTE FUNCTION inventory.gate_whole_of_partition();

CREATE TRIGGER gate_whole_of_new_partition AFTER INSERT ON inventory.gpu_state
  FOR EACH ROW WHEN (NEW.root_gpu_id <> NEW.gpu_id AND NEW.blocks & 3072 <> 0)
  EXECUTE FUNCTION inventory.gate_whole_of_partition();

UPDATE inventory.gpu_state r SET blocks = r.blocks | 131072
 WHERE r.gpu_id IN (SELECT p.root_gpu_id FROM inventory.gpu_state p
                     WHERE p.root_gpu_id <> p.gpu_id AND p.deleted_at IS NULL AND p.blocks & 3072 <> 0);
