DROP INDEX inventory.gpu_deleted_hardware_idx;
