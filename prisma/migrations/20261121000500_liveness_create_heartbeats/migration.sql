-- Signs of life. The latest state is narrow, has no index but its key and updates in place (HOT); history is
-- partitioned by day and dropped by partition.
CREATE TABLE inventory.node_heartbeat (
  node_id           uuid        PRIMARY KEY,
  provider_id       uuid        NOT NULL,
  liveness          text        NOT NULL DEFAULT 'pending' CHECK (liveness IN ('pending', 'online', 'late', 'offline', 'unknown')),
  reason            text,
  status            text        CHECK (status IN ('healthy', 'degraded', 'maintenance')),
  sequence          bigint,
  last_heartbeat_at timestamptz,
  deadline_at       timestamptz,
  changed_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
  system_metrics    jsonb
) WITH (fillfactor = 50);

-- double precision: no number of JSON is too small for it, while real refuses 1e-300 with an error.
CREATE TABLE inventory.gpu_telemetry (
  gpu_id             uuid        PRIMARY KEY,
  at                 timestamptz NOT NULL,
  utilization        double precision,
  memory_used_mb     integer,
  memory_utilization double precision,
  temperature_c      double precision,
  power_draw_w       double precision,
  fan_speed          double precision,
  sm_clock_mhz       integer,
  memory_clock_mhz   integer,
  ecc_uncorrected    bigint,
  xid_errors         integer[]   NOT NULL DEFAULT '{}'
) WITH (fillfactor = 50);

CREATE TABLE inventory.heartbeat (
  id             uuid        NOT NULL,
  node_id        uuid        NOT NULL,
  provider_id    uuid        NOT NULL,
  sequence       bigint      NOT NULL,
  sent_at        timestamptz,
  received_at    timestamptz NOT NULL,
  status         text        NOT NULL,
  accepted       boolean     NOT NULL,
  system_metrics jsonb,
  gpus           jsonb       NOT NULL DEFAULT '[]',
  PRIMARY KEY (node_id, received_at, id)
) PARTITION BY RANGE (received_at);

-- Makes the daily partitions of `parent` from yesterday to `days_ahead`: made apart and attached, since ATTACH locks
-- the parent less than CREATE … PARTITION OF. The service's role may call it without owning the tables.
CREATE FUNCTION inventory.ensure_partitions(parent regclass, days_ahead integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, inventory, pg_temp AS $$
DECLARE
  day  date;
  made integer := 0;
  name text;
  base text;
BEGIN
  SELECT c.relname INTO base FROM pg_class c
   WHERE c.oid = parent AND c.relkind = 'p' AND c.relnamespace = 'inventory'::regnamespace;
  IF base IS NULL THEN
    RAISE EXCEPTION '% is not a partitioned table of this service', parent;
  END IF;
  PERFORM pg_advisory_xact_lock(hashtext('inventory.ensure_partitions'));
  FOR day IN SELECT generate_series((now() AT TIME ZONE 'UTC')::date - 1, (now() AT TIME ZONE 'UTC')::date + days_ahead, '1 day')::date LOOP
    name := base || '_' || to_char(day, 'YYYYMMDD');
    CONTINUE WHEN to_regclass('inventory.' || name) IS NOT NULL;
    EXECUTE format('CREATE TABLE inventory.%I (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name, parent);
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION inventory.%I FOR VALUES FROM (%L) TO (%L)',
                   parent, name, day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC');
    made := made + 1;
  END LOOP;
  RETURN made;
END $$;
SELECT inventory.ensure_partitions('inventory.heartbeat', 7);
