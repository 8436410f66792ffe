DROP TRIGGER gate_whole_of_new_partition ON inventory.gpu_state;
DROP TRIGGER gate_whole_of_partition ON inventory.gpu_state;
DROP TRIGGER gate_whole ON inventory.gpu_state;
DROP FUNCTION inventory.gate_whole_of_partition();
DROP FUNCTION inventory.gate_whole();
UPDATE inventory.gpu_state SET blocks = blocks & ~131072 WHERE blocks & 131072 <> 0;
