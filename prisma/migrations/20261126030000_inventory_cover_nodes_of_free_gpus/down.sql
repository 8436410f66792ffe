CREATE INDEX gpu_state_free_node_idx ON inventory.gpu_state (node_id, model_id)
  WHERE blocks = 0 AND used_units = 0 AND deleted_at IS NULL;
DROP INDEX inventory.gpu_state_free_by_node_idx;
DROP INDEX inventory.gpu_state_cheapest_model_region_idx;
CREATE INDEX gpu_state_cheapest_model_region_idx ON inventory.gpu_state
  (model_id, region, (coalesce(price_per_hour_nano_usd, 9223372036854775807)), gpu_id)
  INCLUDE (price_per_hour_nano_usd, memory_total_mb, reputation, cuda_version_rank, lifecycle, maintenance_from, maintenance_until)
  WHERE blocks = 0 AND used_units = 0 AND deleted_at IS NULL;
DROP INDEX inventory.gpu_state_cheapest_model_idx;
CREATE INDEX gpu_state_cheapest_model_idx ON inventory.gpu_state
  (model_id, (coalesce(price_per_hour_nano_usd, 9223372036854775807)), gpu_id)
  INCLUDE (price_per_hour_nano_usd, memory_total_mb, reputation, cuda_version_rank, lifecycle, maintenance_from, maintenance_until)
  WHERE blocks = 0 AND used_units = 0 AND deleted_at IS NULL;
DROP INDEX inventory.gpu_state_cheapest_region_idx;
CREATE INDEX gpu_state_cheapest_region_idx ON inventory.gpu_state
  (region, (coalesce(price_per_hour_nano_usd, 9223372036854775807)), gpu_id)
  INCLUDE (price_per_hour_nano_usd, memory_total_mb, reputation, cuda_version_rank, lifecycle, maintenance_from, maintenance_until, vendor)
  WHERE blocks = 0 AND used_units = 0 AND deleted_at IS NULL;
DROP INDEX inventory.gpu_state_cheapest_vendor_idx;
CREATE INDEX gpu_state_cheapest_vendor_idx ON inventory.gpu_state
  (vendor, (coalesce(price_per_hour_nano_usd, 9223372036854775807)), gpu_id)
  INCLUDE (price_per_hour_nano_usd, memory_total_mb, reputation, cuda_version_rank, lifecycle, maintenance_from, maintenance_until)
  WHERE blocks = 0 AND used_units = 0 AND deleted_at IS NULL;
DROP INDEX inventory.gpu_state_cheapest_idx;
CREATE INDEX gpu_state_cheapest_idx ON inventory.gpu_state
  ((coalesce(price_per_hour_nano_usd, 9223372036854775807)), gpu_id)
  INCLUDE (price_per_hour_nano_usd, memory_total_mb, reputation, cuda_version_rank, lifecycle, maintenance_from, maintenance_until)
  WHERE blocks = 0 AND used_units = 0 AND deleted_at IS NULL;
