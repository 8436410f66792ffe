-- The catalogue a GPU resolves to. Built-in models are inserted by the service; operators add and change others.
CREATE TABLE inventory.gpu_model (
  id           text        PRIMARY KEY CHECK (id ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND id <> 'uncatalogued'),
  vendor       text        NOT NULL CHECK (vendor IN ('nvidia', 'amd', 'intel', 'other')),
  name         text        NOT NULL,
  aliases      text[]      NOT NULL DEFAULT '{}',
  pci_ids      text[]      NOT NULL DEFAULT '{}',
  specs        jsonb       NOT NULL DEFAULT '{}',
  capabilities jsonb       NOT NULL DEFAULT '{}',
  source       text        NOT NULL,
  version      bigint      NOT NULL DEFAULT 1,
  created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
