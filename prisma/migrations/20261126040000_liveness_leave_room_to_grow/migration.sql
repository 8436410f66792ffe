-- A node's row is written at its registration with 100 bytes and grows to 200 and more with the first heartbeat: at half
-- full pages four of five nodes then moved to another page, which no update in place (HOT) can do.
ALTER TABLE inventory.node_heartbeat SET (fillfactor = 25);
