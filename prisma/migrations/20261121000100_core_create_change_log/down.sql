DROP FUNCTION inventory.moment_after(timestamptz);
DROP FUNCTION inventory.version_key(text);
DROP TABLE inventory.service_secret, inventory.instance, inventory.idempotency_key, inventory.change;
DROP SCHEMA inventory;
