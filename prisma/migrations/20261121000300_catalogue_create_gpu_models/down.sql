DROP TABLE inventory.gpu_model;
