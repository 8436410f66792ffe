-- Kept aside for an emergency that comes first; back in its place when that is over. A constant default: the table is not rewritten.
ALTER TABLE inventory.node_maintenance ADD COLUMN aside boolean NOT NULL DEFAULT false,
  ADD CONSTRAINT node_maintenance_aside_check CHECK (NOT (open AND aside)) NOT VALID;
-- As good as empty at all times: what waits in it is looked for every second.
CREATE UNIQUE INDEX node_maintenance_aside_key ON inventory.node_maintenance (node_id) WHERE aside;
