-- no-transaction
-- An explanation names GPUs by the order of registration, out of an aggregate that keeps no more of them than that.
DROP INDEX CONCURRENTLY IF EXISTS inventory.gpu_seq_idx;
CREATE INDEX CONCURRENTLY gpu_seq_idx ON inventory.gpu (seq);
