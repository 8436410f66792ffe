ALTER TABLE inventory.gpu_state
  DROP COLUMN compute_capability_rank,
  DROP COLUMN driver_version_rank,
  DROP COLUMN cuda_version_rank;
DROP FUNCTION inventory.version_rank(text);
