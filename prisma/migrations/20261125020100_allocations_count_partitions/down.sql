DROP FUNCTION inventory.state_through_root(uuid, timestamptz);
CREATE OR REPLACE FUNCTION inventory.project_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  ledger     inventory.allocation_gpu := coalesce(NEW, OLD);
  was_used   integer := CASE WHEN OLD.released_at IS NULL THEN coalesce(OLD.units, 0) ELSE 0 END;
  now_used   integer := CASE WHEN NEW.released_at IS NULL THEN coalesce(NEW.units, 0) ELSE 0 END;
  was_active integer := CASE WHEN OLD.held_until IS NULL THEN was_used ELSE 0 END;
  now_active integer := CASE WHEN NEW.held_until IS NULL THEN now_used ELSE 0 END;
  changed    boolean := was_used <> now_used OR was_active <> now_active;
BEGIN
  IF OLD.gpu_id <> NEW.gpu_id OR OLD.root_gpu_id <> NEW.root_gpu_id OR OLD.root_units <> NEW.root_units THEN
    RAISE EXCEPTION 'a ledger row stays with its GPU' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  UPDATE inventory.gpu_state
     SET used_units   = used_units + now_used - was_used,
         active_units = active_units + now_active - was_active,
         held_until   = CASE WHEN ledger.exclusive THEN CASE WHEN now_used > 0 THEN ledger.held_until END
                             ELSE (SELECT min(l.held_until) FROM inventory.allocation_gpu l
                                    WHERE l.gpu_id = ledger.gpu_id AND l.released_at IS NULL) END,
         version      = version + changed::integer,
         updated_at   = inventory.moment_after(updated_at)
   WHERE gpu_id = ledger.gpu_id;
  IF ledger.root_gpu_id <> ledger.gpu_id AND changed THEN
    UPDATE inventory.gpu_state
       SET used_units   = used_units + ledger.root_units * (sign(now_used) - sign(was_used))::integer,
           active_units = active_units + ledger.root_units * (sign(now_active) - sign(was_active))::integer
     WHERE gpu_id = ledger.root_gpu_id;
  END IF;
  RETURN NULL;
END $$;
ALTER TABLE inventory.gpu_state DROP CONSTRAINT gpu_state_partition_check;
DROP INDEX inventory.allocation_gpu_partition_idx;
ALTER TABLE inventory.allocation_gpu DROP CONSTRAINT allocation_gpu_root_check, DROP COLUMN root_memory_units;
ALTER TABLE inventory.gpu_state DROP COLUMN partition_units, DROP COLUMN partition_memory_units;
