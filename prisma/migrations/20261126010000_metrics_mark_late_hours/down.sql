-- What is marked here is marked where the release before looks for it.
INSERT INTO inventory.metric_unfolded (gpu_id, metric_id, hour)
SELECT DISTINCT gpu_id, metric_id, hour FROM inventory.metric_late ON CONFLICT DO NOTHING;
DROP TABLE inventory.metric_late;
