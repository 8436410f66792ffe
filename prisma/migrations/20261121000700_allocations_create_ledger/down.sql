DROP TABLE inventory.allocation_gpu, inventory.allocation;
DROP FUNCTION inventory.project_ledger();
