DROP TABLE inventory.benchmark_standing, inventory.benchmark_metric, inventory.benchmark, inventory.level_policy, inventory.verification, inventory.check_state, inventory.health_check;
