-- The live shares of one GPU, by an index over all shares. A partial index over the live ones is as good for that, but
-- where few are live it looks nearly empty to the planner, which then reads all of it to find the shares of one
-- allocation: with every dead entry that autovacuum has not met yet, and with all live ones once there are many.
CREATE INDEX allocation_gpu_gpu_id_released_at_idx ON inventory.allocation_gpu (gpu_id, released_at);
DROP INDEX inventory.allocation_gpu_live_idx;
DROP INDEX inventory.allocation_gpu_gpu_id_idx;
