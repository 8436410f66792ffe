-- The index is there already: this is a change of the catalogue alone.
ALTER TABLE inventory.allocation_gpu
  DROP CONSTRAINT allocation_gpu_pkey,
  ADD CONSTRAINT allocation_gpu_pkey PRIMARY KEY USING INDEX allocation_gpu_interval_key;
