ALTER TABLE inventory.node_heartbeat DROP COLUMN flapping_since, DROP COLUMN breaker_id;
ALTER TABLE inventory.node DROP COLUMN first_heard_at;
DROP TABLE inventory.incident, inventory.breaker_trip;
