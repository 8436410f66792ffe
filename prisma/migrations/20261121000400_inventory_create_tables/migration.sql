-- Providers, nodes and GPUs. A GPU is three rows: `gpu` (identity, rarely written), `gpu_state` (everything that
-- search filters and claims decide on; narrow) and, in the liveness module, `gpu_telemetry` (hot).
CREATE TABLE inventory.provider (
  id             uuid        PRIMARY KEY,
  seq            bigint      GENERATED ALWAYS AS IDENTITY,
  name           text        NOT NULL,
  email          text        NOT NULL,
  wallet_address text,
  kind           text        NOT NULL DEFAULT 'individual' CHECK (kind IN ('individual', 'datacenter', 'browser')),
  lifecycle      text        NOT NULL DEFAULT 'active' CHECK (lifecycle IN ('pending', 'active', 'suspended', 'retired')),
  region         text        NOT NULL,
  country        text,
  labels         jsonb       NOT NULL DEFAULT '{}',
  attributes     jsonb       NOT NULL DEFAULT '{}',
  public_key     text,
  reputation     real,
  version        bigint      NOT NULL DEFAULT 1,
  created_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  deleted_at     timestamptz
);
CREATE UNIQUE INDEX provider_email_key ON inventory.provider (lower(email)) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX provider_wallet_address_key ON inventory.provider (wallet_address) WHERE deleted_at IS NULL;
CREATE INDEX provider_name_idx ON inventory.provider (name, id) WHERE deleted_at IS NULL;

CREATE TABLE inventory.node (
  id                   uuid        PRIMARY KEY,
  seq                  bigint      GENERATED ALWAYS AS IDENTITY,
  provider_id          uuid        NOT NULL REFERENCES inventory.provider (id),
  hostname             text        NOT NULL,
  -- `own_region` is what the node says, `region` what counts: the node's, else its provider's.
  own_region           text,
  region               text        NOT NULL,
  zone                 text,
  lifecycle            text        NOT NULL DEFAULT 'active' CHECK (lifecycle IN ('active', 'maintenance', 'retired')),
  eligibility          text        NOT NULL DEFAULT 'eligible' CHECK (eligibility IN ('eligible', 'ineligible', 'draining')),
  drain_deadline_at    timestamptz,
  health               text        NOT NULL DEFAULT 'unknown' CHECK (health IN ('ok', 'warning', 'failed', 'unknown')),
  system               jsonb       NOT NULL DEFAULT '{}',
  inventory_generation bigint,
  inventory_digest     bytea,
  labels               jsonb       NOT NULL DEFAULT '{}',
  version              bigint      NOT NULL DEFAULT 1,
  created_at           timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at           timestamptz NOT NULL DEFAULT clock_timestamp(),
  deleted_at           timestamptz
);
CREATE UNIQUE INDEX node_hostname_key ON inventory.node (provider_id, lower(hostname)) WHERE deleted_at IS NULL;
CREATE INDEX node_hostname_idx ON inventory.node (hostname, id) WHERE deleted_at IS NULL;

CREATE TABLE inventory.gpu (
  id             uuid        PRIMARY KEY,
  seq            bigint      GENERATED ALWAYS AS IDENTITY,
  node_id        uuid        NOT NULL REFERENCES inventory.node (id),
  provider_id    uuid        NOT NULL REFERENCES inventory.provider (id),
  parent_gpu_id  uuid        REFERENCES inventory.gpu (id),
  vendor         text        NOT NULL CHECK (vendor IN ('nvidia', 'amd', 'intel', 'other')),
  uuid           text        NOT NULL,
  uuid_key       text        NOT NULL,
  serial         text,
  name           text        NOT NULL,
  pci_device_id  text,
  pci_bus_id     text,
  vbios_version  text,
  labels         jsonb       NOT NULL DEFAULT '{}',
  created_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  deleted_at     timestamptz
);
-- Identity is (vendor, hardware uuid): the first to report it keeps it.
CREATE UNIQUE INDEX gpu_hardware_key ON inventory.gpu (vendor, uuid_key) WHERE deleted_at IS NULL;
CREATE INDEX gpu_node_id_idx ON inventory.gpu (node_id) WHERE deleted_at IS NULL;
CREATE INDEX gpu_parent_gpu_id_idx ON inventory.gpu (parent_gpu_id) WHERE parent_gpu_id IS NOT NULL;
CREATE INDEX gpu_name_idx ON inventory.gpu USING gin (name gin_trgm_ops);
CREATE INDEX gpu_labels_idx ON inventory.gpu USING gin (labels jsonb_path_ops);

CREATE TABLE inventory.gpu_state (
  gpu_id                     uuid     PRIMARY KEY REFERENCES inventory.gpu (id),
  seq                        bigint   NOT NULL,
  node_seq                   bigint   NOT NULL,
  node_id                    uuid     NOT NULL,
  provider_id                uuid     NOT NULL,
  root_gpu_id                uuid     NOT NULL,
  slot_index                 integer,
  vendor                     text     NOT NULL,
  model_id                   text     NOT NULL DEFAULT 'uncatalogued',
  region                     text     NOT NULL,
  -- Effective specs and capabilities: attested, else newest observed, else declared, else null.
  memory_total_mb            integer  CHECK (memory_total_mb > 0),
  cuda_cores                 integer,
  streaming_multiprocessors  integer,
  tensor_cores               integer,
  architecture               text,
  compute_capability         text,
  memory_bandwidth_gbps      real,
  power_limit_w              real,
  pcie_generation            smallint,
  pcie_width                 smallint,
  supports_cuda              boolean,
  supports_rocm              boolean,
  supports_tensor_ops        boolean,
  supports_fp16              boolean,
  supports_bf16              boolean,
  supports_fp8               boolean,
  supports_mig               boolean,
  supports_nvlink            boolean,
  supports_ecc               boolean,
  supports_confidential_computing boolean,
  driver_version             text,
  cuda_version               text,
  lifecycle                  text     NOT NULL DEFAULT 'active' CHECK (lifecycle IN ('active', 'maintenance', 'retired')),
  presence                   text     NOT NULL DEFAULT 'present' CHECK (presence IN ('present', 'missing')),
  health                     text     NOT NULL DEFAULT 'unknown' CHECK (health IN ('ok', 'warning', 'failed', 'unknown')),
  -- Gates as data: a claim sees every reason against this GPU on the row that it locks. Bits: src/kernel/gates.ts.
  blocks                     integer  NOT NULL DEFAULT 0 CHECK (blocks >= 0),
  -- The verification level at a moment is the highest n whose time has not passed: expiry needs no writer.
  level1_until               timestamptz,
  level2_until               timestamptz,
  level3_until               timestamptz,
  level4_until               timestamptz,
  reputation                 real,
  price_per_hour_nano_usd    bigint   CHECK (price_per_hour_nano_usd >= 0),
  -- Kept by the ledger's trigger alone. 1,000 units are the whole GPU.
  total_units                integer  NOT NULL DEFAULT 1000,
  used_units                 integer  NOT NULL DEFAULT 0,
  active_units               integer  NOT NULL DEFAULT 0,
  held_until                 timestamptz,
  version                    bigint   NOT NULL DEFAULT 1,
  updated_at                 timestamptz NOT NULL DEFAULT clock_timestamp(),
  deleted_at                 timestamptz,
  CONSTRAINT gpu_state_units_check CHECK (0 <= active_units AND active_units <= used_units AND used_units <= total_units)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01);
CREATE INDEX gpu_state_node_id_idx ON inventory.gpu_state (node_id, gpu_id) WHERE deleted_at IS NULL;
CREATE INDEX gpu_state_provider_id_idx ON inventory.gpu_state (provider_id, gpu_id) WHERE deleted_at IS NULL;
CREATE INDEX gpu_state_model_id_idx ON inventory.gpu_state (model_id, gpu_id) WHERE deleted_at IS NULL;
CREATE INDEX gpu_state_children_idx ON inventory.gpu_state (root_gpu_id) WHERE root_gpu_id <> gpu_id AND deleted_at IS NULL;
-- Free and schedulable GPUs in the orders that searches and claims ask for; unpriced ones come last. Searches write the
-- price in the same expression, because paging by a nullable key is nothing that an index could follow.
CREATE INDEX gpu_state_free_model_region_price_idx ON inventory.gpu_state
  (model_id, region, (coalesce(price_per_hour_nano_usd, 9223372036854775807)), gpu_id)
  WHERE blocks = 0 AND used_units = 0 AND deleted_at IS NULL;
CREATE INDEX gpu_state_free_model_price_idx ON inventory.gpu_state
  (model_id, (coalesce(price_per_hour_nano_usd, 9223372036854775807)), gpu_id)
  WHERE blocks = 0 AND used_units = 0 AND deleted_at IS NULL;
CREATE INDEX gpu_state_free_vendor_price_idx ON inventory.gpu_state
  (vendor, (coalesce(price_per_hour_nano_usd, 9223372036854775807)), gpu_id)
  WHERE blocks = 0 AND used_units = 0 AND deleted_at IS NULL;
CREATE INDEX gpu_state_free_price_idx ON inventory.gpu_state
  ((coalesce(price_per_hour_nano_usd, 9223372036854775807)), gpu_id)
  WHERE blocks = 0 AND used_units = 0 AND deleted_at IS NULL;
-- Held ones: few, and free again at their deadline whether somebody swept them or not.
CREATE INDEX gpu_state_held_idx ON inventory.gpu_state (gpu_id)
  WHERE used_units > 0 AND active_units = 0 AND deleted_at IS NULL;
CREATE INDEX gpu_state_free_node_idx ON inventory.gpu_state (node_id, model_id)
  WHERE blocks = 0 AND used_units = 0 AND deleted_at IS NULL;

-- What each source says of a GPU: declared by the provider, observed by an agent or verifier, attested by a verdict.
CREATE TABLE inventory.gpu_layer (
  gpu_id       uuid        NOT NULL REFERENCES inventory.gpu (id),
  layer        text        NOT NULL CHECK (layer IN ('declared', 'observed', 'attested')),
  source       text        NOT NULL,
  specs        jsonb       NOT NULL DEFAULT '{}',
  capabilities jsonb       NOT NULL DEFAULT '{}',
  at           timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (gpu_id, layer, source)
);

-- A fact that contradicts another.
CREATE TABLE inventory.finding (
  id          uuid        PRIMARY KEY,
  kind        text        NOT NULL,
  subject_key text        NOT NULL,
  provider_id uuid        NOT NULL,
  node_id     uuid,
  gpu_id      uuid,
  detail      jsonb       NOT NULL DEFAULT '{}',
  state       text        NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'resolved')),
  resolution  text,
  version     bigint      NOT NULL DEFAULT 1,
  created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  resolved_at timestamptz
);
CREATE UNIQUE INDEX finding_open_key ON inventory.finding (kind, provider_id, subject_key) WHERE state = 'open';
CREATE INDEX finding_gpu_id_idx ON inventory.finding (gpu_id) WHERE state = 'open';
CREATE INDEX finding_node_id_idx ON inventory.finding (node_id, id);
CREATE INDEX finding_provider_id_idx ON inventory.finding (provider_id, id);
