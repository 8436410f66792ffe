-- no-transaction
-- Claims and candidates walk the indexes of free GPUs as searches do, and look at the table only for what they found: so
-- the indexes by price tell the node and the physical GPU too, and a new one, in the order of the nodes, tells all that
-- teams are made of and serves the counts of a node's free GPUs, in the place of the one by node and model. A run that was
-- broken off leaves an index that is not valid; each is dropped before it is made, so that the next run can.
DROP INDEX CONCURRENTLY IF EXISTS inventory.gpu_state_fresh_idx;
CREATE INDEX CONCURRENTLY gpu_state_fresh_idx ON inventory.gpu_state
  (model_id, region, (coalesce(price_per_hour_nano_usd, 9223372036854775807)), gpu_id)
  INCLUDE (price_per_hour_nano_usd, memory_total_mb, reputation, cuda_version_rank, lifecycle, maintenance_from, maintenance_until, node_seq, root_gpu_id)
  WHERE blocks = 0 AND used_units = 0 AND deleted_at IS NULL;
DROP INDEX CONCURRENTLY IF EXISTS inventory.gpu_state_cheapest_model_region_idx;
ALTER INDEX inventory.gpu_state_fresh_idx RENAME TO gpu_state_cheapest_model_region_idx;
DROP INDEX CONCURRENTLY IF EXISTS inventory.gpu_state_fresh_idx;
CREATE INDEX CONCURRENTLY gpu_state_fresh_idx ON inventory.gpu_state
  (model_id, (coalesce(price_per_hour_nano_usd, 9223372036854775807)), gpu_id)
  INCLUDE (price_per_hour_nano_usd, memory_total_mb, reputation, cuda_version_rank, lifecycle, maintenance_from, maintenance_until, node_seq, root_gpu_id)
  WHERE blocks = 0 AND used_units = 0 AND deleted_at IS NULL;
DROP INDEX CONCURRENTLY IF EXISTS inventory.gpu_state_cheapest_model_idx;
ALTER INDEX inventory.gpu_state_fresh_idx RENAME TO gpu_state_cheapest_model_idx;
DROP INDEX CONCURRENTLY IF EXISTS inventory.gpu_state_fresh_idx;
CREATE INDEX CONCURRENTLY gpu_state_fresh_idx ON inventory.gpu_state
  (region, (coalesce(price_per_hour_nano_usd, 9223372036854775807)), gpu_id)
  INCLUDE (price_per_hour_nano_usd, memory_total_mb, reputation, cuda_version_rank, lifecycle, maintenance_from, maintenance_until, vendor, node_seq, root_gpu_id)
  WHERE blocks = 0 AND used_units = 0 AND deleted_at IS NULL;
DROP INDEX CONCURRENTLY IF EXISTS inventory.gpu_state_cheapest_region_idx;
ALTER INDEX inventory.gpu_state_fresh_idx RENAME TO gpu_state_cheapest_region_idx;
DROP INDEX CONCURRENTLY IF EXISTS inventory.gpu_state_fresh_idx;
CREATE INDEX CONCURRENTLY gpu_state_fresh_idx ON inventory.gpu_state
  (vendor, (coalesce(price_per_hour_nano_usd, 9223372036854775807)), gpu_id)
  INCLUDE (price_per_hour_nano_usd, memory_total_mb, reputation, cuda_version_rank, lifecycle, maintenance_from, maintenance_until, node_seq, root_gpu_id)
  WHERE blocks = 0 AND used_units = 0 AND deleted_at IS NULL;
DROP INDEX CONCURRENTLY IF EXISTS inventory.gpu_state_cheapest_vendor_idx;
ALTER INDEX inventory.gpu_state_fresh_idx RENAME TO gpu_state_cheapest_vendor_idx;
DROP INDEX CONCURRENTLY IF EXISTS inventory.gpu_state_fresh_idx;
CREATE INDEX CONCURRENTLY gpu_state_fresh_idx ON inventory.gpu_state
  ((coalesce(price_per_hour_nano_usd, 9223372036854775807)), gpu_id)
  INCLUDE (price_per_hour_nano_usd, memory_total_mb, reputation, cuda_version_rank, lifecycle, maintenance_from, maintenance_until, node_seq, root_gpu_id)
  WHERE blocks = 0 AND used_units = 0 AND deleted_at IS NULL;
DROP INDEX CONCURRENTLY IF EXISTS inventory.gpu_state_cheapest_idx;
ALTER INDEX inventory.gpu_state_fresh_idx RENAME TO gpu_state_cheapest_idx;
DROP INDEX CONCURRENTLY IF EXISTS inventory.gpu_state_free_by_node_idx;
CREATE INDEX CONCURRENTLY gpu_state_free_by_node_idx ON inventory.gpu_state
  (node_seq, slot_index, seq)
  INCLUDE (gpu_id, root_gpu_id, provider_id, model_id, region, vendor, health, price_per_hour_nano_usd, memory_total_mb, reputation, cuda_version_rank, lifecycle, maintenance_from, maintenance_until)
  WHERE blocks = 0 AND used_units = 0 AND deleted_at IS NULL;
DROP INDEX CONCURRENTLY IF EXISTS inventory.gpu_state_free_node_idx;
