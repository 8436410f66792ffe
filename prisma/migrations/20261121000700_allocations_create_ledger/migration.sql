-- Allocations and their ledger: one row per (allocation, GPU). Exclusiveness and capacity are the database's rules.
CREATE TABLE inventory.allocation (
  id                      uuid        PRIMARY KEY,
  tenant_id               uuid        NOT NULL REFERENCES inventory.tenant (id),
  state                   text        NOT NULL CHECK (state IN ('held', 'active', 'releasing', 'released', 'expired', 'interrupted')),
  request                 jsonb,
  purpose                 text,
  -- A sum of up to 1,000 GPUs' prices: beyond bigint. Null where any of them is unpriced.
  price_per_hour_nano_usd numeric(22),
  -- What was asked for; the moments that follow from it are below.
  hold_ttl_s              integer     CHECK (hold_ttl_s > 0),
  duration_s              integer     CHECK (duration_s > 0),
  held_until              timestamptz,
  expires_at              timestamptz,
  activated_at            timestamptz,
  released_at             timestamptz,
  end_reason              text,
  version                 bigint      NOT NULL DEFAULT 1,
  created_at              timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at              timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT allocation_hold_check CHECK (state <> 'held' OR held_until IS NOT NULL)
);
CREATE INDEX allocation_tenant_id_idx ON inventory.allocation (tenant_id, id);
CREATE INDEX allocation_due_hold_idx ON inventory.allocation (held_until) WHERE state = 'held';
CREATE INDEX allocation_due_end_idx ON inventory.allocation (expires_at) WHERE state = 'active';

-- A tenant sees its own rows only, whatever a query forgets; '*' is the service itself and its operators.
ALTER TABLE inventory.allocation ENABLE ROW LEVEL SECURITY;
ALTER TABLE inventory.allocation FORCE ROW LEVEL SECURITY;
CREATE POLICY allocation_tenant_isolation ON inventory.allocation
  USING (current_setting('app.tenant_id', true) = '*' OR tenant_id::text = current_setting('app.tenant_id', true))
  WITH CHECK (current_setting('app.tenant_id', true) = '*' OR tenant_id::text = current_setting('app.tenant_id', true));

CREATE TABLE inventory.allocation_gpu (
  allocation_id           uuid        NOT NULL REFERENCES inventory.allocation (id),
  gpu_id                  uuid        NOT NULL REFERENCES inventory.gpu (id),
  root_gpu_id             uuid        NOT NULL,
  node_id                 uuid        NOT NULL,
  provider_id             uuid        NOT NULL,
  -- `units` are charged to the GPU itself, `root_units` to the physical GPU that it is a partition of.
  units                   integer     NOT NULL CHECK (units BETWEEN 1 AND 1000),
  root_units              integer     NOT NULL CHECK (root_units BETWEEN 1 AND 1000),
  exclusive               boolean     NOT NULL,
  price_per_hour_nano_usd bigint,
  held_until              timestamptz,
  created_at              timestamptz NOT NULL DEFAULT clock_timestamp(),
  released_at             timestamptz,
  PRIMARY KEY (allocation_id, gpu_id),
  CONSTRAINT allocation_gpu_whole_check CHECK (exclusive = (units = 1000)),
  CONSTRAINT allocation_gpu_interval_check CHECK (released_at >= created_at)
);
-- Of any number of parallel claims on one GPU exactly one can insert its row.
CREATE UNIQUE INDEX allocation_gpu_exclusive_key ON inventory.allocation_gpu (gpu_id) WHERE released_at IS NULL AND exclusive;
CREATE INDEX allocation_gpu_gpu_id_idx ON inventory.allocation_gpu (gpu_id, created_at);
CREATE INDEX allocation_gpu_live_idx ON inventory.allocation_gpu (gpu_id) WHERE released_at IS NULL;

-- Projects the ledger on gpu_state: used and active units, the earliest deadline of its holds, and one version step for
-- each share that comes, goes or becomes active (an extended hold shows nothing new; a physical GPU seen through its
-- partitions neither). CHECK (0 <= active <= used <= total) there then refuses any illegal combination, direct SQL
-- included. Why a trigger, and why for each row: docs/adr/0003-ledger-and-its-trigger.md.
CREATE FUNCTION inventory.project_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER allocation_gpu_project AFTER INSERT OR UPDATE OR DELETE ON inventory.allocation_gpu
  FOR EACH ROW EXECUTE FUNCTION inventory.project_ledger();
