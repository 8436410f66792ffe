-- no-transaction
-- Usage metrics are told of GPUs that were deleted as well: the GPUs of a provider, node or model are looked up among the
-- live ones and among the deleted ones. A run that was broken off leaves an index that is not valid; it is dropped first.
DROP INDEX CONCURRENTLY IF EXISTS inventory.gpu_state_deleted_node_idx;
CREATE INDEX CONCURRENTLY gpu_state_deleted_node_idx ON inventory.gpu_state (node_id, gpu_id) WHERE deleted_at IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS inventory.gpu_state_deleted_provider_idx;
CREATE INDEX CONCURRENTLY gpu_state_deleted_provider_idx ON inventory.gpu_state (provider_id, gpu_id) WHERE deleted_at IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS inventory.gpu_state_deleted_model_idx;
CREATE INDEX CONCURRENTLY gpu_state_deleted_model_idx ON inventory.gpu_state (model_id, gpu_id) WHERE deleted_at IS NOT NULL;
