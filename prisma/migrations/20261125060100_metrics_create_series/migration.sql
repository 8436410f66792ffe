-- Usage metrics: samples as they were sent, and what they come to by minute and hour. Partitioned by time, without
-- foreign keys and without a DEFAULT partition. The keys begin with the GPU: one GPU's series is the hot question.
CREATE TABLE inventory.metric (
  id   integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text    NOT NULL,
  unit text    NOT NULL
);
-- The unit of a metric is fixed by its first sample.
CREATE UNIQUE INDEX metric_name_key ON inventory.metric (name);

CREATE TABLE inventory.metric_sample (
  gpu_id    uuid             NOT NULL,
  metric_id integer          NOT NULL,
  at        timestamptz      NOT NULL,
  value     double precision NOT NULL,
  PRIMARY KEY (gpu_id, metric_id, at)
) PARTITION BY RANGE (at);

-- Hours of a series whose samples are not in its roll-ups, or not all of them: written with the samples, deleted with
-- the roll-ups.
CREATE TABLE inventory.metric_unfolded (
  gpu_id    uuid        NOT NULL,
  metric_id integer     NOT NULL,
  hour      timestamptz NOT NULL,
  PRIMARY KEY (gpu_id, metric_id, hour)
);
CREATE INDEX metric_unfolded_hour_idx ON inventory.metric_unfolded (hour, gpu_id);

-- A revision above 1 says that a late sample has changed what had been stated before.
CREATE TABLE inventory.metric_minute (
  gpu_id    uuid             NOT NULL,
  metric_id integer          NOT NULL,
  at        timestamptz      NOT NULL,
  count     integer          NOT NULL,
  sum       double precision NOT NULL,
  min       double precision NOT NULL,
  max       double precision NOT NULL,
  revision  integer          NOT NULL DEFAULT 1,
  PRIMARY KEY (gpu_id, metric_id, at)
) PARTITION BY RANGE (at);

-- Hours have a sketch of their distribution as well, from which percentiles can be told when the samples are gone: how
-- many of them lie in each of the bins (src/modules/metrics/sketch.ts).
CREATE TABLE inventory.metric_hour (
  gpu_id     uuid             NOT NULL,
  metric_id  integer          NOT NULL,
  at         timestamptz      NOT NULL,
  count      integer          NOT NULL,
  sum        double precision NOT NULL,
  min        double precision NOT NULL,
  max        double precision NOT NULL,
  revision   integer          NOT NULL DEFAULT 1,
  bins       smallint[]       NOT NULL,
  bin_counts integer[]        NOT NULL,
  PRIMARY KEY (gpu_id, metric_id, at)
) PARTITION BY RANGE (at);
