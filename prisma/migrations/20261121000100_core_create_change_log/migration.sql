-- What every module stands on: the change log, idempotency keys, replicas, secrets and two helper functions.
CREATE SCHEMA IF NOT EXISTS inventory;
CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- One row per touched object and version: audit, feed, webhooks, history and timeline are projections of it.
-- No foreign keys: each insert would lock and dirty the parent.
CREATE TABLE inventory.change (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at           timestamptz NOT NULL DEFAULT clock_timestamp(),
  type         text        NOT NULL,
  subject_type text        NOT NULL,
  subject_id   text        NOT NULL,
  version      bigint      NOT NULL,
  actor_type   text        NOT NULL,
  actor_id     text,
  request_id   text,
  reason       text,
  diff         jsonb       NOT NULL DEFAULT '{}',
  provider_id  uuid,
  node_id      uuid,
  tenant_id    uuid
);
-- The rule "one change per version" as an index; it serves the history of one object as well.
CREATE UNIQUE INDEX change_subject_version_key ON inventory.change (subject_type, subject_id, version);

-- Replies of acknowledged POSTs, kept for 24 hours; `id` is a hash of owner, operation and key, `reply` is sealed.
CREATE TABLE inventory.idempotency_key (
  id          bytea       PRIMARY KEY,
  fingerprint bytea       NOT NULL,
  reply       bytea,
  created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX idempotency_key_created_at_idx ON inventory.idempotency_key (created_at);

-- Replicas that run now: tells the cache whether it is alone.
CREATE TABLE inventory.instance (
  id         uuid        PRIMARY KEY,
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  seen_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Secrets that replicas share, such as the key that signs cursors. Worth nothing outside this database.
CREATE TABLE inventory.service_secret (
  name       text        PRIMARY KEY,
  value      bytea       NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- '535.86.05' → {535,86,5}: versions compare part by part. NULL for anything that is not dotted numbers.
CREATE FUNCTION inventory.version_key(version text) RETURNS integer[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN version ~ '^\d{1,9}(\.\d{1,9}){0,7}$' THEN string_to_array(version, '.')::integer[] END;

-- A moment strictly after `previous`, to the microsecond: intervals never turn negative when clocks or commits race.
CREATE FUNCTION inventory.moment_after(previous timestamptz) RETURNS timestamptz
LANGUAGE sql VOLATILE
RETURN greatest(clock_timestamp(), previous + interval '1 microsecond');
