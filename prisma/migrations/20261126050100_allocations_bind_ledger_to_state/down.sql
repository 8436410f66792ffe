DROP TRIGGER allocation_bind_ledger ON inventory.allocation;
DROP FUNCTION inventory.bind_ledger();
