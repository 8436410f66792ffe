-- no-transaction
-- Free and schedulable GPUs by price, with the columns that most searches filter by: a walk along such an index looks at the
-- table only for the page that it has found. They take the place of four that a walk had to leave at every step. A run
-- that was broken off leaves an index that is not valid; each is dropped before it is made, so that the next run can.
DROP INDEX CONCURRENTLY IF EXISTS inventory.gpu_state_cheapest_model_region_idx;
CREATE INDEX CONCURRENTLY gpu_state_cheapest_model_region_idx ON inventory.gpu_state
  (model_id, region, (coalesce(price_per_hour_nano_usd, 9223372036854775807)), gpu_id)
  INCLUDE (price_per_hour_nano_usd, memory_total_mb, reputation, cuda_version_rank, lifecycle, maintenance_from, maintenance_until)
  WHERE blocks = 0 AND used_units = 0 AND deleted_at IS NULL;
DROP INDEX CONCURRENTLY IF EXISTS inventory.gpu_state_cheapest_model_idx;
CREATE INDEX CONCURRENTLY gpu_state_cheapest_model_idx ON inventory.gpu_state
  (model_id, (coalesce(price_per_hour_nano_usd, 9223372036854775807)), gpu_id)
  INCLUDE (price_per_hour_nano_usd, memory_total_mb, reputation, cuda_version_rank, lifecycle, maintenance_from, maintenance_until)
  WHERE blocks = 0 AND used_units = 0 AND deleted_at IS NULL;
DROP INDEX CONCURRENTLY IF EXISTS inventory.gpu_state_cheapest_region_idx;
CREATE INDEX CONCURRENTLY gpu_state_cheapest_region_idx ON inventory.gpu_state
  (region, (coalesce(price_per_hour_nano_usd, 9223372036854775807)), gpu_id)
  INCLUDE (price_per_hour_nano_usd, memory_total_mb, reputation, cuda_version_rank, lifecycle, maintenance_from, maintenance_until, vendor)
  WHERE blocks = 0 AND used_units = 0 AND deleted_at IS NULL;
DROP INDEX CONCURRENTLY IF EXISTS inventory.gpu_state_cheapest_vendor_idx;
CREATE INDEX CONCURRENTLY gpu_state_cheapest_vendor_idx ON inventory.gpu_state
  (vendor, (coalesce(price_per_hour_nano_usd, 9223372036854775807)), gpu_id)
  INCLUDE (price_per_hour_nano_usd, memory_total_mb, reputation, cuda_version_rank, lifecycle, maintenance_from, maintenance_until)
  WHERE blocks = 0 AND used_units = 0 AND deleted_at IS NULL;
DROP INDEX CONCURRENTLY IF EXISTS inventory.gpu_state_cheapest_idx;
CREATE INDEX CONCURRENTLY gpu_state_cheapest_idx ON inventory.gpu_state
  ((coalesce(price_per_hour_nano_usd, 9223372036854775807)), gpu_id)
  INCLUDE (price_per_hour_nano_usd, memory_total_mb, reputation, cuda_version_rank, lifecycle, maintenance_from, maintenance_until)
  WHERE blocks = 0 AND used_units = 0 AND deleted_at IS NULL;
DROP INDEX CONCURRENTLY IF EXISTS inventory.gpu_state_free_model_region_price_idx;
DROP INDEX CONCURRENTLY IF EXISTS inventory.gpu_state_free_model_price_idx;
DROP INDEX CONCURRENTLY IF EXISTS inventory.gpu_state_free_vendor_price_idx;
DROP INDEX CONCURRENTLY IF EXISTS inventory.gpu_state_free_price_idx;
