DROP TABLE inventory.gpu_cleaning;
ALTER TABLE inventory.node DROP COLUMN cleaning_required;
