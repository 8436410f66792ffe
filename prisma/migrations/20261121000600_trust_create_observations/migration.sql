-- Health checks, verifications and benchmarks: append-only observations, and the little state that they lead to.
CREATE TABLE inventory.health_check (
  id                 uuid        PRIMARY KEY,
  gpu_id             uuid,
  node_id            uuid        NOT NULL,
  provider_id        uuid        NOT NULL,
  "check"            text        NOT NULL,
  outcome            text        NOT NULL CHECK (outcome IN ('ok', 'warning', 'failed')),
  fatal              boolean     NOT NULL DEFAULT false,
  code               text,
  message            text,
  under_load         boolean     NOT NULL DEFAULT false,
  recommended_action text        NOT NULL,
  observed_at        timestamptz NOT NULL,
  source             text        NOT NULL,
  raw                jsonb,
  created_at         timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX health_check_gpu_id_idx ON inventory.health_check (gpu_id, id);
CREATE INDEX health_check_node_id_idx ON inventory.health_check (node_id, id);
CREATE INDEX health_check_provider_id_idx ON inventory.health_check (provider_id, id);

-- Where each check stands now: `subject_id` is a GPU or a node. Health is a pure function of these rows, which keep
-- the latest observation, and when the latest failure, the latest `ok` and the latest `ok` under load were seen.
CREATE TABLE inventory.check_state (
  subject_id        uuid        NOT NULL,
  "check"           text        NOT NULL,
  outcome           text        NOT NULL CHECK (outcome IN ('ok', 'warning', 'failed')),
  code              text,
  message           text,
  observed_at       timestamptz NOT NULL,
  failed_at         timestamptz,
  ok_at             timestamptz,
  loaded_ok_at      timestamptz,
  PRIMARY KEY (subject_id, "check")
);

CREATE TABLE inventory.verification (
  id           uuid        PRIMARY KEY,
  gpu_id       uuid        NOT NULL,
  node_id      uuid        NOT NULL,
  provider_id  uuid        NOT NULL,
  kind         text        NOT NULL CHECK (kind IN ('spec', 'benchmark', 'work', 'tee')),
  state        text        NOT NULL DEFAULT 'challenged' CHECK (state IN ('challenged', 'submitted', 'decided')),
  nonce        text        NOT NULL,
  expires_at   timestamptz NOT NULL,
  evidence     jsonb,
  evidence_sha256 text,
  submitted_by text,
  submitted_at timestamptz,
  verdict      text        CHECK (verdict IN ('valid', 'invalid', 'unverifiable')),
  reason       text,
  findings     jsonb       NOT NULL DEFAULT '[]',
  level        smallint    CHECK (level BETWEEN 0 AND 4),
  valid_until  timestamptz,
  verifier_id  text,
  decided_at   timestamptz,
  version      bigint      NOT NULL DEFAULT 1,
  created_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE UNIQUE INDEX verification_nonce_key ON inventory.verification (nonce);
CREATE INDEX verification_gpu_id_idx ON inventory.verification (gpu_id, id);
CREATE INDEX verification_node_id_idx ON inventory.verification (node_id, id);
CREATE INDEX verification_provider_id_idx ON inventory.verification (provider_id, id);

-- How long a level holds once a verdict has granted it, and the level that a kind of verification can reach.
CREATE TABLE inventory.level_policy (
  kind       text     PRIMARY KEY CHECK (kind IN ('spec', 'benchmark', 'work', 'tee')),
  max_level  smallint NOT NULL CHECK (max_level BETWEEN 0 AND 4),
  validity_s integer  NOT NULL CHECK (validity_s > 0)
);
INSERT INTO inventory.level_policy (kind, max_level, validity_s) VALUES
  ('spec', 1, 2592000), ('benchmark', 2, 1209600), ('work', 3, 604800), ('tee', 4, 86400);

CREATE TABLE inventory.benchmark (
  id            uuid             PRIMARY KEY,
  gpu_id        uuid             NOT NULL,
  node_id       uuid             NOT NULL,
  provider_id   uuid             NOT NULL,
  model_id      text             NOT NULL,
  suite         text             NOT NULL,
  suite_version text             NOT NULL,
  metric        text             NOT NULL,
  value         double precision NOT NULL,
  unit          text             NOT NULL,
  environment   jsonb            NOT NULL DEFAULT '{}',
  outlier       boolean          NOT NULL DEFAULT false,
  measured_at   timestamptz      NOT NULL,
  source        text             NOT NULL,
  created_at    timestamptz      NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX benchmark_gpu_id_idx ON inventory.benchmark (gpu_id, id);
-- The newest results of a model: what a new one is compared with.
CREATE INDEX benchmark_model_idx ON inventory.benchmark (model_id, suite, suite_version, metric, created_at);

-- The unit of a metric is fixed by its first result.
CREATE TABLE inventory.benchmark_metric (
  suite         text NOT NULL,
  suite_version text NOT NULL,
  metric        text NOT NULL,
  unit          text NOT NULL,
  PRIMARY KEY (suite, suite_version, metric)
);

-- Where each GPU stands now, by its newest result: the population of percentiles.
CREATE TABLE inventory.benchmark_standing (
  gpu_id        uuid             NOT NULL,
  suite         text             NOT NULL,
  suite_version text             NOT NULL,
  metric        text             NOT NULL,
  model_id      text             NOT NULL,
  value         double precision NOT NULL,
  measured_at   timestamptz      NOT NULL,
  PRIMARY KEY (gpu_id, suite, suite_version, metric)
);
CREATE INDEX benchmark_standing_population_idx ON inventory.benchmark_standing (model_id, suite, suite_version, metric, value);
