DROP TABLE inventory.finding, inventory.gpu_layer, inventory.gpu_state, inventory.gpu, inventory.node, inventory.provider;
