CREATE INDEX gpu_state_free_model_region_price_idx ON inventory.gpu_state
  (model_id, region, (coalesce(price_per_hour_nano_usd, 9223372036854775807)), gpu_id)
  WHERE blocks = 0 AND used_units = 0 AND deleted_at IS NULL;
CREATE INDEX gpu_state_free_model_price_idx ON inventory.gpu_state
  (model_id, (coalesce(price_per_hour_nano_usd, 9223372036854775807)), gpu_id)
  WHERE blocks = 0 AND used_units = 0 AND deleted_at IS NULL;
CREATE INDEX gpu_state_free_vendor_price_idx ON inventory.gpu_state
  (vendor, (coalesce(price_per_hour_nano_usd, 9223372036854775807)), gpu_id)
  WHERE blocks = 0 AND used_units = 0 AND deleted_at IS NULL;
CREATE INDEX gpu_state_free_price_idx ON inventory.gpu_state
  ((coalesce(price_per_hour_nano_usd, 9223372036854775807)), gpu_id)
  WHERE blocks = 0 AND used_units = 0 AND deleted_at IS NULL;
DROP INDEX inventory.gpu_state_cheapest_model_region_idx, inventory.gpu_state_cheapest_model_idx, inventory.gpu_state_cheapest_region_idx, inventory.gpu_state_cheapest_vendor_idx, inventory.gpu_state_cheapest_idx;
