-- Partitions of any table and of two widths, and their end. The service's role owns no table: it may make partitions, and
-- drop those of tables whose rows it may delete.

-- Makes the partitions of `parent` that hold these days (UTC) where they are missing, `width` being day or month: made
-- apart and attached, since ATTACH locks the parent less than CREATE … PARTITION OF.
CREATE FUNCTION inventory.ensure_partitions(parent regclass, width text, days date[]) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, inventory, pg_temp AS $$
DECLARE
  base   text;
  name   text;
  begins timestamp;
  made   integer := 0;
BEGIN
  SELECT c.relname INTO base FROM pg_class c
   WHERE c.oid = parent AND c.relkind = 'p' AND c.relnamespace = 'inventory'::regnamespace;
  IF base IS NULL OR width NOT IN ('day', 'month') THEN
    RAISE EXCEPTION '% is not a table of this service that is partitioned by %', parent, width;
  END IF;
  PERFORM pg_advisory_xact_lock(hashtext('inventory.ensure_partitions'));
  FOR begins IN SELECT DISTINCT date_trunc(width, day::timestamp) FROM unnest(days) AS day ORDER BY 1 LOOP
    name := base || '_' || to_char(begins, CASE width WHEN 'day' THEN 'YYYYMMDD' ELSE 'YYYYMM' END);
    CONTINUE WHEN to_regclass('inventory.' || name) IS NOT NULL;
    EXECUTE format('CREATE TABLE inventory.%I (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name, parent);
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION inventory.%I FOR VALUES FROM (%L) TO (%L)', parent, name,
                   begins AT TIME ZONE 'UTC', (begins + ('1 ' || width)::interval) AT TIME ZONE 'UTC');
    made := made + 1;
  END LOOP;
  RETURN made;
END $$;

-- What the release before this one calls.
CREATE OR REPLACE FUNCTION inventory.ensure_partitions(parent regclass, days_ahead integer) RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, inventory, pg_temp AS $$
  SELECT inventory.ensure_partitions(parent, 'day', ARRAY(
    SELECT (now() AT TIME ZONE 'UTC')::date + n FROM generate_series(-1, days_ahead) AS n))
$$;

-- Drops one partition. Its parent is locked for an instant, and waited for 100 ms at most: whoever reads or writes the
-- parent queues up behind. DETACH … CONCURRENTLY would not lock, but cannot run inside a function.
CREATE FUNCTION inventory.drop_partition(partition regclass) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, inventory, pg_temp SET lock_timeout = '100ms' AS $$
DECLARE
  parent regclass;
BEGIN
  SELECT i.inhparent INTO parent FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhparent
   WHERE i.inhrelid = partition AND c.relkind = 'p' AND c.relnamespace = 'inventory'::regnamespace;
  IF parent IS NULL OR NOT has_table_privilege(session_user, parent, 'DELETE') THEN
    RAISE EXCEPTION '% is no partition that % may drop', partition, session_user USING ERRCODE = 'insufficient_privilege';
  END IF;
  EXECUTE format('DROP TABLE %s', partition);
END $$;
