ALTER TABLE inventory.node_heartbeat SET (fillfactor = 50);
