DROP FUNCTION inventory.drop_partition(regclass);
CREATE OR REPLACE FUNCTION inventory.ensure_partitions(parent regclass, days_ahead integer) RETURNS integer
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
DROP FUNCTION inventory.ensure_partitions(regclass, text, date[]);
