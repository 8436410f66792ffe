-- Tenants, API keys and one-time enrolment tokens. Secrets are stored as keyed hashes only.
CREATE TABLE inventory.tenant (
  id         uuid        PRIMARY KEY,
  name       text        NOT NULL,
  quotas     jsonb,
  version    bigint      NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE inventory.api_key (
  id           uuid        PRIMARY KEY,
  lookup       text        NOT NULL,
  digest       bytea       NOT NULL,
  hint         text        NOT NULL,
  name         text        NOT NULL,
  role         text        NOT NULL CHECK (role IN ('operator', 'provider', 'agent', 'tenant', 'verifier', 'viewer')),
  provider_id  uuid,
  node_id      uuid,
  tenant_id    uuid REFERENCES inventory.tenant (id),
  scopes       text[]      NOT NULL DEFAULT '{}',
  origin       text        NOT NULL DEFAULT 'issued' CHECK (origin IN ('issued', 'bootstrap', 'environment', 'enrollment', 'registration')),
  rotated_from uuid,
  disabled     boolean     NOT NULL DEFAULT false,
  expires_at   timestamptz,
  revoked_at   timestamptz,
  last_used_at timestamptz,
  version      bigint      NOT NULL DEFAULT 1,
  created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT api_key_owner_check CHECK (
    CASE role WHEN 'provider' THEN provider_id IS NOT NULL
              WHEN 'agent'    THEN node_id IS NOT NULL AND provider_id IS NOT NULL
              WHEN 'tenant'   THEN tenant_id IS NOT NULL
              ELSE true END)
);
CREATE UNIQUE INDEX api_key_lookup_key ON inventory.api_key (lookup);
-- Two replicas that start on an empty database agree on one operator key.
CREATE UNIQUE INDEX api_key_bootstrap_key ON inventory.api_key (origin) WHERE origin = 'bootstrap' AND revoked_at IS NULL;
CREATE INDEX api_key_provider_id_idx ON inventory.api_key (provider_id) WHERE revoked_at IS NULL;
CREATE INDEX api_key_node_id_idx ON inventory.api_key (node_id) WHERE revoked_at IS NULL;

CREATE TABLE inventory.enrollment_token (
  id          uuid        PRIMARY KEY,
  provider_id uuid        NOT NULL,
  digest      bytea       NOT NULL,
  created_by  uuid        NOT NULL,
  expires_at  timestamptz NOT NULL,
  used_at     timestamptz,
  node_id     uuid,
  created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE UNIQUE INDEX enrollment_token_digest_key ON inventory.enrollment_token (digest);
