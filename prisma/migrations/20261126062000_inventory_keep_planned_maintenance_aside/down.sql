-- The bit that keeps the GPUs of these nodes from being given out is known to the next release alone.
UPDATE inventory.gpu_state SET blocks = blocks & ~8192 WHERE blocks & 8192 <> 0;
ALTER TABLE inventory.node_maintenance DROP COLUMN aside;
