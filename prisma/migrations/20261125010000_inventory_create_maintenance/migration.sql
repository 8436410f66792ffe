-- Announced maintenance of a node, or of all nodes of a provider. `open` gives a place to the next window: the time alone
-- cannot, since no index knows what time it is; what is past its end is closed by whoever announces the next one.
CREATE TABLE inventory.maintenance_window (
  id           uuid        PRIMARY KEY,
  provider_id  uuid        NOT NULL REFERENCES inventory.provider (id),
  -- Null: all nodes of the provider, those that join it meanwhile included.
  node_id      uuid        REFERENCES inventory.node (id),
  kind         text        NOT NULL CHECK (kind IN ('planned', 'emergency')),
  reason       text,
  starts_at    timestamptz NOT NULL,
  ends_at      timestamptz NOT NULL,
  open         boolean     NOT NULL DEFAULT true,
  version      bigint      NOT NULL DEFAULT 1,
  announced_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  deleted_at   timestamptz,
  CONSTRAINT maintenance_window_interval_check CHECK (starts_at < ends_at)
);
CREATE UNIQUE INDEX maintenance_window_open_provider_key ON inventory.maintenance_window (provider_id)
  WHERE open AND node_id IS NULL;
CREATE INDEX maintenance_window_provider_id_idx ON inventory.maintenance_window (provider_id, id);

-- The same by node: what uptime leaves out. A window that is called off before its start leaves no row.
CREATE TABLE inventory.node_maintenance (
  node_id   uuid        NOT NULL REFERENCES inventory.node (id),
  window_id uuid        NOT NULL REFERENCES inventory.maintenance_window (id),
  kind      text        NOT NULL,
  from_at   timestamptz NOT NULL,
  until_at  timestamptz NOT NULL,
  open      boolean     NOT NULL DEFAULT true,
  PRIMARY KEY (node_id, window_id),
  CONSTRAINT node_maintenance_interval_check CHECK (from_at < until_at)
);
CREATE UNIQUE INDEX node_maintenance_open_key ON inventory.node_maintenance (node_id) WHERE open;
CREATE INDEX node_maintenance_window_id_idx ON inventory.node_maintenance (window_id);

-- A claim decides on the row that it locks: the node's open window lies on each of its GPUs, written by the transaction
-- that announces it. Nullable columns without a default: the table is not rewritten.
ALTER TABLE inventory.gpu_state
  ADD COLUMN maintenance_from  timestamptz,
  ADD COLUMN maintenance_until timestamptz,
  ADD CONSTRAINT gpu_state_maintenance_check
    CHECK ((maintenance_from IS NULL) = (maintenance_until IS NULL) AND maintenance_from < maintenance_until) NOT VALID;
