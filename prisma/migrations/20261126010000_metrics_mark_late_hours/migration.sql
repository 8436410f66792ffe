-- Hours that a batch of late samples fell into: a row of its own for each batch, so that whoever stores samples and
-- whoever folds them never meet on one.
CREATE TABLE inventory.metric_late (
  gpu_id    uuid        NOT NULL,
  metric_id integer     NOT NULL,
  hour      timestamptz NOT NULL,
  id        bigint      GENERATED ALWAYS AS IDENTITY,
  PRIMARY KEY (gpu_id, metric_id, hour, id)
);
CREATE INDEX metric_late_hour_idx ON inventory.metric_late (hour, gpu_id);
