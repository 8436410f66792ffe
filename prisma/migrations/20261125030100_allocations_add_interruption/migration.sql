-- What becomes of an allocation whose node falls silent or whose GPU is lost, and since when it is not billed for that.
-- The default is what every allocation had before it could choose.
ALTER TABLE inventory.allocation
  ADD COLUMN on_interruption   text        NOT NULL DEFAULT 'release' CHECK (on_interruption IN ('release', 'grace', 'keep')),
  ADD COLUMN grace_s           integer     CHECK (grace_s > 0),
  ADD COLUMN impaired_by       text        CHECK (impaired_by IN ('node_offline', 'gpu_lost')),
  ADD COLUMN billing_stopped_at timestamptz,
  ADD COLUMN interrupt_at      timestamptz;
CREATE INDEX allocation_due_interruption_idx ON inventory.allocation (interrupt_at) WHERE interrupt_at IS NOT NULL;
