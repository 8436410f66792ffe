ALTER TABLE inventory.allocation DROP COLUMN on_interruption, DROP COLUMN grace_s, DROP COLUMN impaired_by,
  DROP COLUMN billing_stopped_at, DROP COLUMN interrupt_at;
