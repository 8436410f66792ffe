DROP INDEX inventory.gpu_state_partly_used_idx;
