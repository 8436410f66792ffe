CREATE INDEX allocation_gpu_gpu_id_idx ON inventory.allocation_gpu (gpu_id, created_at);
CREATE INDEX allocation_gpu_live_idx ON inventory.allocation_gpu (gpu_id) WHERE released_at IS NULL;
DROP INDEX inventory.allocation_gpu_gpu_id_released_at_idx;
