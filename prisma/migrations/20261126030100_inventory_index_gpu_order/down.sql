DROP INDEX inventory.gpu_seq_idx;
