DROP INDEX inventory.node_drain_deadline_idx;
