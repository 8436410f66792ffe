-- Partitions charge their physical GPU twice, for compute and for memory, since the widths of partitions differ in both.
-- Of `used_units` of a physical GPU, `partition_units` is the compute that its partitions use.
ALTER TABLE inventory.gpu_state
  ADD COLUMN partition_units        integer NOT NULL DEFAULT 0,
  ADD COLUMN partition_memory_units integer NOT NULL DEFAULT 0;

-- `root_units` are thousandths of the compute of the physical GPU, `root_memory_units` of its memory; the same for a
-- share of the physical GPU itself, where they are left out.
ALTER TABLE inventory.allocation_gpu
  ADD COLUMN root_memory_units integer CHECK (root_memory_units BETWEEN 1 AND 1000),
  ADD CONSTRAINT allocation_gpu_root_check
    CHECK (root_gpu_id <> gpu_id OR (root_units = units AND root_memory_units IS NULL));

-- The shares of the partitions of one physical GPU.
CREATE INDEX allocation_gpu_partition_idx ON inventory.allocation_gpu (root_gpu_id, released_at) WHERE root_gpu_id <> gpu_id;

UPDATE inventory.gpu_state r
   SET partition_units = p.units, partition_memory_units = p.units, held_until = p.held_until
  FROM (SELECT l.root_gpu_id, sum(l.root_units) AS units, min(l.held_until) AS held_until
          FROM inventory.allocation_gpu l
         WHERE l.root_gpu_id <> l.gpu_id AND l.released_at IS NULL GROUP BY l.root_gpu_id) p
 WHERE r.gpu_id = p.root_gpu_id;

-- A physical GPU is used by itself, whole or in shares, or through its partitions, never both; and no more of its compute
-- and of its memory than there is.
ALTER TABLE inventory.gpu_state ADD CONSTRAINT gpu_state_partition_check
  CHECK (partition_units IN (0, used_units) AND 0 <= partition_memory_units AND partition_memory_units <= total_units
     AND (partition_units = 0) = (partition_memory_units = 0));

-- As before, and: a partition's share moves the counters of its physical GPU, whose holds are then those of its
-- partitions; a new row has to name that GPU; and what ended long ago moves nothing.
CREATE OR REPLACE FUNCTION inventory.project_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  ledger     inventory.allocation_gpu := coalesce(NEW, OLD);
  was_used   integer := CASE WHEN OLD.released_at IS NULL THEN coalesce(OLD.units, 0) ELSE 0 END;
  now_used   integer := CASE WHEN NEW.released_at IS NULL THEN coalesce(NEW.units, 0) ELSE 0 END;
  was_active integer := CASE WHEN OLD.held_until IS NULL THEN was_used ELSE 0 END;
  now_active integer := CASE WHEN NEW.held_until IS NULL THEN now_used ELSE 0 END;
  changed    boolean := was_used <> now_used OR was_active <> now_active;
  parts      integer := sign(now_used) - sign(was_used);
BEGIN
  IF OLD.gpu_id <> NEW.gpu_id OR OLD.root_gpu_id <> NEW.root_gpu_id OR (OLD.root_gpu_id <> OLD.gpu_id
     AND (OLD.root_units, OLD.root_memory_units) IS DISTINCT FROM (NEW.root_units, NEW.root_memory_units)
     AND TG_OP = 'UPDATE') THEN
    RAISE EXCEPTION 'a ledger row stays with its GPU' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF was_used = 0 AND now_used = 0 THEN RETURN NULL; END IF;
  UPDATE inventory.gpu_state
     SET used_units   = used_units + now_used - was_used,
         active_units = active_units + now_active - was_active,
         held_until   = CASE WHEN ledger.exclusive THEN CASE WHEN now_used > 0 THEN ledger.held_until END
                             ELSE (SELECT min(l.held_until) FROM inventory.allocation_gpu l
                                    WHERE l.gpu_id = ledger.gpu_id AND l.released_at IS NULL) END,
         version      = version + changed::integer,
         updated_at   = inventory.moment_after(updated_at)
   WHERE gpu_id = ledger.gpu_id AND (root_gpu_id = ledger.root_gpu_id OR TG_OP <> 'INSERT');
  IF NOT FOUND THEN
    RAISE EXCEPTION 'a ledger row names the physical GPU of its GPU' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF ledger.root_gpu_id <> ledger.gpu_id THEN
    UPDATE inventory.gpu_state
       SET used_units             = used_units + ledger.root_units * parts,
           active_units           = active_units + ledger.root_units * (sign(now_active) - sign(was_active))::integer,
           partition_units        = partition_units + ledger.root_units * parts,
           partition_memory_units = partition_memory_units + coalesce(ledger.root_memory_units, ledger.root_units) * parts,
           held_until             = (SELECT min(l.held_until) FROM inventory.allocation_gpu l
                                      WHERE l.root_gpu_id = ledger.root_gpu_id AND l.root_gpu_id <> l.gpu_id
                                        AND l.released_at IS NULL)
     WHERE gpu_id = ledger.root_gpu_id;
  END IF;
  RETURN NULL;
END $$;

-- What a partition shows of the use of its physical GPU as such. A function, so that the planner does not take it for
-- work that every GPU of a search costs: few GPUs are partitions.
CREATE FUNCTION inventory.state_through_root(root uuid, moment timestamptz) RETURNS text LANGUAGE sql STABLE COST 10 AS $$
  SELECT CASE WHEN r.partition_units > 0 THEN 'free' WHEN r.active_units > 0 THEN 'allocated'
              WHEN r.used_units > 0 AND r.held_until > moment THEN 'held' ELSE 'free' END
    FROM inventory.gpu_state r WHERE r.gpu_id = root
$$;
