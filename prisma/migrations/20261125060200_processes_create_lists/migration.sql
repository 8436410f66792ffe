-- Processes on GPUs, as agents list them: a row for each from when it was first listed, ended when it no longer is.
CREATE TABLE inventory.gpu_process (
  id             uuid        PRIMARY KEY,
  gpu_id         uuid        NOT NULL,
  node_id        uuid        NOT NULL,
  provider_id    uuid        NOT NULL,
  pid            integer     NOT NULL CHECK (pid >= 0),
  name           text,
  "user"         text,
  memory_used_mb integer     CHECK (memory_used_mb >= 0),
  started_at     timestamptz NOT NULL,
  ended_at       timestamptz,
  -- Who had the GPU when it was first listed; history, hence no foreign key.
  allocation_id  uuid,
  CONSTRAINT gpu_process_interval_check CHECK (ended_at >= started_at)
);
CREATE UNIQUE INDEX gpu_process_running_key ON inventory.gpu_process (gpu_id, pid) WHERE ended_at IS NULL;
CREATE INDEX gpu_process_gpu_id_idx ON inventory.gpu_process (gpu_id, id);
CREATE INDEX gpu_process_ended_at_idx ON inventory.gpu_process (ended_at) WHERE ended_at IS NOT NULL;

-- The last list of each GPU; a version for each that began or ended a process.
CREATE TABLE inventory.gpu_process_list (
  gpu_id     uuid    PRIMARY KEY,
  generation bigint  NOT NULL,
  digest     bytea   NOT NULL,
  version    bigint  NOT NULL DEFAULT 1
);
