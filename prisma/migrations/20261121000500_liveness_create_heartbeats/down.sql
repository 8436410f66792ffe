DROP FUNCTION inventory.ensure_partitions(regclass, integer);
DROP TABLE inventory.heartbeat, inventory.gpu_telemetry, inventory.node_heartbeat;
