-- Whether a GPU of this node is cleaned after each use; null is the setting of the service.
ALTER TABLE inventory.node ADD COLUMN cleaning_required boolean;

-- What allocations have left on a GPU that nobody has cleaned yet. While there is a row the GPU's gate is shut.
CREATE TABLE inventory.gpu_cleaning (
  gpu_id        uuid        NOT NULL,
  allocation_id uuid        NOT NULL,
  since         timestamptz NOT NULL,
  deadline_at   timestamptz NOT NULL,
  PRIMARY KEY (gpu_id, allocation_id),
  CONSTRAINT gpu_cleaning_interval_check CHECK (deadline_at > since)
);
CREATE INDEX gpu_cleaning_deadline_at_idx ON inventory.gpu_cleaning (deadline_at);
