DROP TABLE inventory.metric_hour, inventory.metric_minute, inventory.metric_unfolded, inventory.metric_sample,
           inventory.metric;
