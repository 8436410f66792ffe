-- A partition works no better than its physical GPU: what shuts that one's own gates (64 gpu_not_active, 128 gpu_missing,
-- 256 gpu_failed, 1024 gpu_quarantined) shuts the gate 65536, parent_gpu_blocked, of its partitions, and so does a physical
-- GPU that is on another node. By triggers, so that nobody who turns a gate can forget it, and claims and searches go on
-- looking at one row. Where a physical GPU is being cleaned its partitions say so without a gate: its use is theirs.
CREATE FUNCTION inventory.gate_partition() RETURNS trigger LANGUAGE plpgsql AS $$
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

-- The partitions look again; whoever turns the gates of a physical GPU holds their locks already.
CREATE FUNCTION inventory.gate_partitions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE inventory.gpu_state p SET blocks = p.blocks
   WHERE p.root_gpu_id = NEW.gpu_id AND p.root_gpu_id <> p.gpu_id AND p.deleted_at IS NULL
     AND (p.blocks & 65536 <> 0) <> (NEW.blocks & 1472 <> 0 OR p.node_id <> NEW.node_id);
  RETURN NULL;
END $$;

CREATE TRIGGER gate_partitions AFTER UPDATE OF blocks, node_id ON inventory.gpu_state
  FOR EACH ROW WHEN (NEW.root_gpu_id = NEW.gpu_id
    AND ((OLD.blocks & 1472 <> 0) <> (NEW.blocks & 1472 <> 0) OR OLD.node_id <> NEW.node_id))
  EXECUTE FUNCTION inventory.gate_partitions();

CREATE TRIGGER gate_new_partitions AFTER INSERT ON inventory.gpu_state
  FOR EACH ROW WHEN (NEW.root_gpu_id = NEW.gpu_id AND NEW.blocks & 1472 <> 0)
  EXECUTE FUNCTION inventory.gate_partitions();

UPDATE inventory.gpu_state p SET blocks = p.blocks
  FROM inventory.gpu_state r
 WHERE r.gpu_id = p.root_gpu_id AND p.root_gpu_id <> p.gpu_id AND (r.blocks & 1472 <> 0 OR r.node_id <> p.node_id);

-- As before, and `cleaning` while leftovers of a use of the physical GPU as such are on it.
CREATE OR REPLACE FUNCTION inventory.state_through_root(root uuid, moment timestamptz) RETURNS text
LANGUAGE sql STABLE COST 10 AS $$
  SELECT CASE WHEN r.partition_units = 0 AND r.active_units > 0 THEN 'allocated'
              WHEN r.blocks & 2048 <> 0 THEN 'cleaning'
              WHEN r.partition_units = 0 AND r.used_units > 0 AND r.held_until > moment THEN 'held' ELSE 'free' END
    FROM inventory.gpu_state r WHERE r.gpu_id = root
$$;
