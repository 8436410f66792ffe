-- GPUs in use in part, the fullest first: few beside the free ones, and the first that a share looks at.
CREATE INDEX gpu_state_partly_used_idx ON inventory.gpu_state (used_units DESC, gpu_id)
  WHERE blocks = 0 AND used_units BETWEEN 1 AND 999 AND deleted_at IS NULL;
