-- no-transaction
-- The uptime of a provider is that of its nodes, deleted ones included. A run that was broken off leaves an index that is not
-- valid; it is dropped first.
DROP INDEX CONCURRENTLY IF EXISTS inventory.node_provider_id_idx;
CREATE INDEX CONCURRENTLY node_provider_id_idx ON inventory.node (provider_id);
