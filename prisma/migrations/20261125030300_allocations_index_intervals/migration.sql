-- no-transaction
-- A GPU that left an allocation by a move may come back to it: the ledger then has a row for each time.
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS allocation_gpu_interval_key
  ON inventory.allocation_gpu (allocation_id, gpu_id, created_at);
