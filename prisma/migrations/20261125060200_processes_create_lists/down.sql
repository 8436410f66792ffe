DROP TABLE inventory.gpu_process_list, inventory.gpu_process;
