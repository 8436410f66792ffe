-- no-transaction
-- What stood against hardware when it was deleted: looked up whenever hardware is registered. A run that was broken off leaves
-- an index that is not valid; it is dropped first.
DROP INDEX CONCURRENTLY IF EXISTS inventory.gpu_deleted_hardware_idx;
CREATE INDEX CONCURRENTLY gpu_deleted_hardware_idx ON inventory.gpu (vendor, uuid_key, deleted_at) WHERE deleted_at IS NOT NULL;
