-- Of a GPU that came back to an allocation only the last time can stay.
DELETE FROM inventory.allocation_gpu l USING inventory.allocation_gpu later
 WHERE later.allocation_id = l.allocation_id AND later.gpu_id = l.gpu_id AND later.created_at > l.created_at;
ALTER TABLE inventory.allocation_gpu
  DROP CONSTRAINT allocation_gpu_pkey,
  ADD CONSTRAINT allocation_gpu_pkey PRIMARY KEY (allocation_id, gpu_id);
CREATE UNIQUE INDEX allocation_gpu_interval_key ON inventory.allocation_gpu (allocation_id, gpu_id, created_at);
