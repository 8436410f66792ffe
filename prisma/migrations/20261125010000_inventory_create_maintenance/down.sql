ALTER TABLE inventory.gpu_state DROP COLUMN maintenance_from, DROP COLUMN maintenance_until;
DROP TABLE inventory.node_maintenance, inventory.maintenance_window;
