DROP INDEX inventory.node_provider_id_idx;
