-- Allocations and their ledger: one row per (allocation, GPU). Exclusiveness and capacity are the database's rules.
CREATE TABLE inventory.allocation (
  id                      uuid        PRIMARY KEY,
  tenant_id               uuid        NOT NULL REFERENCES inventory.tenant (id),
  state                   text        NOT NULL CHECK (state IN ('held', 'active', 'releasing', 'released', 'expired', 'interrupted')),
  request                 jsonb,
  purpose                 text,
  price_per_hour_nano_usd bigint,
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
CREATE INDEX allocation_gpu_live_node_idx ON inventory.allocation_gpu (node_id) WHERE released_at IS NULL;

-- Projects the ledger on gpu_state: used and active units, the hold's deadline, and one version step for each change
-- of what the GPU shows (an extended hold shows nothing new; a physical GPU seen through its partitions neither).
-- CHECK (0 <= active <= used <= total) there then refuses any illegal combination, direct SQL included.
CREATE FUNCTION inventory.project_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  was_used   integer := 0;  now_used   integer := 0;
  was_active integer := 0;  now_active integer := 0;
  ledger     inventory.allocation_gpu%ROWTYPE;
BEGIN
  IF TG_OP <> 'INSERT' AND OLD.released_at IS NULL THEN
    was_used := 1; was_active := CASE WHEN OLD.held_until IS NULL THEN 1 ELSE 0 END;
  END IF;
  IF TG_OP <> 'DELETE' AND NEW.released_at IS NULL THEN
    now_used := 1; now_active := CASE WHEN NEW.held_until IS NULL THEN 1 ELSE 0 END;
  END IF;
  IF TG_OP = 'DELETE' THEN ledger := OLD; ELSE ledger := NEW; END IF;
  UPDATE inventory.gpu_state
     SET used_units   = used_units   + ledger.units * (now_used - was_used),
         active_units = active_units + ledger.units * (now_active - was_active),
         held_until   = CASE WHEN now_used = 1 AND now_active = 0 THEN ledger.held_until END,
         version      = version + CASE WHEN now_used <> was_used OR now_active <> was_active THEN 1 ELSE 0 END,
         updated_at   = inventory.moment_after(updated_at)
   WHERE gpu_id = ledger.gpu_id;
  IF ledger.root_gpu_id <> ledger.gpu_id AND (now_used <> was_used OR now_active <> was_active) THEN
    UPDATE inventory.gpu_state
       SET used_units   = used_units   + ledger.root_units * (now_used - was_used),
           active_units = active_units + ledger.root_units * (now_active - was_active)
     WHERE gpu_id = ledger.root_gpu_id;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER allocation_gpu_project AFTER INSERT OR UPDATE OR DELETE ON inventory.allocation_gpu
  FOR EACH ROW EXECUTE FUNCTION inventory.project_ledger();
