-- What a tenant with quotas uses, counted by the ledger itself. A tenant without quotas has no row here, so its claims
-- meet on nothing.
CREATE TABLE inventory.tenant_usage (
  tenant_id                   uuid        PRIMARY KEY REFERENCES inventory.tenant (id),
  -- Thousandths of GPUs, as the ledger has them; null is no limit.
  max_gpu_units               bigint,
  max_memory_mb               bigint,
  max_held_units              bigint,
  max_price_per_hour_nano_usd numeric(22),
  gpu_units                   bigint      NOT NULL DEFAULT 0,
  memory_mb                   bigint      NOT NULL DEFAULT 0,
  held_units                  bigint      NOT NULL DEFAULT 0,
  price_per_hour_nano_usd     numeric(30) NOT NULL DEFAULT 0,
  CONSTRAINT tenant_usage_counts_check
    CHECK (0 <= held_units AND held_units <= gpu_units AND 0 <= memory_mb AND 0 <= price_per_hour_nano_usd)
) WITH (fillfactor = 50);

-- The memory of a share as it was when it was claimed; what is given back is then what was taken.
ALTER TABLE inventory.allocation_gpu ADD COLUMN memory_mb integer CHECK (memory_mb >= 0);
ALTER TABLE inventory.allocation_gpu DISABLE TRIGGER allocation_gpu_project;
UPDATE inventory.allocation_gpu l SET memory_mb = ceil(s.memory_total_mb::numeric * l.units / 1000)
  FROM inventory.gpu_state s WHERE s.gpu_id = l.gpu_id AND l.released_at IS NULL;
ALTER TABLE inventory.allocation_gpu ENABLE TRIGGER allocation_gpu_project;

-- The allocations that a tenant has now, without a walk through all that it ever had.
CREATE INDEX allocation_live_tenant_idx ON inventory.allocation (tenant_id) WHERE released_at IS NULL;

-- Adds to what a tenant uses; refused where that grows beyond a quota. What shrinks is never refused, so a quota may be
-- set below the use. DETAIL says it for programs: the first quota in the way, its limit, what is used and was asked.
CREATE FUNCTION inventory.charge_quotas(tenant uuid, more_gpus bigint, more_memory numeric, more_held bigint, more_price numeric)
  RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  gpus    bigint  := coalesce(more_gpus, 0);
  memory  bigint  := coalesce(more_memory, 0);
  held    bigint  := coalesce(more_held, 0);
  price   numeric := coalesce(more_price, 0);
  u       inventory.tenant_usage;
  refusal jsonb;
BEGIN
  IF gpus = 0 AND memory = 0 AND held = 0 AND price = 0 THEN RETURN; END IF;
  SELECT * INTO u FROM inventory.tenant_usage WHERE tenant_id = tenant FOR NO KEY UPDATE;
  SELECT jsonb_build_object('quota', q.name, 'limit', q.ceiling::text, 'used', q.used::text, 'asked', q.asked::text)
    INTO refusal
    FROM (VALUES (1, 'maxGpus', u.max_gpu_units / 1000.0, u.gpu_units / 1000.0, gpus / 1000.0),
                 (2, 'maxMemoryMb', u.max_memory_mb, u.memory_mb, memory),
                 (3, 'maxHeldGpus', u.max_held_units / 1000.0, u.held_units / 1000.0, held / 1000.0),
                 (4, 'maxPricePerHourNanoUsd', u.max_price_per_hour_nano_usd, u.price_per_hour_nano_usd, price))
         q(place, name, ceiling, used, asked)
   WHERE q.asked > 0 AND q.used + q.asked > q.ceiling ORDER BY q.place LIMIT 1;
  IF refusal IS NOT NULL THEN
    RAISE EXCEPTION 'a quota of the tenant is exceeded' USING
      ERRCODE = 'check_violation', CONSTRAINT = 'tenant_usage_quota_check', DETAIL = refusal::text;
  END IF;
  UPDATE inventory.tenant_usage
     SET gpu_units = gpu_units + gpus, memory_mb = tenant_usage.memory_mb + memory, held_units = held_units + held,
         price_per_hour_nano_usd = price_per_hour_nano_usd + price
   WHERE tenant_id = tenant;
END $$;

-- Counts what a statement did to the ledger, once for each tenant, tenants in the order of their ids: the last rows that
-- a claim locks. For each statement, not for each row: a claim of a thousand GPUs is one step of its tenant's use. A
-- partition counts as the part that it is of its physical GPU; what is unpriced, or of unknown memory, counts nothing
-- there.
CREATE FUNCTION inventory.count_quota_use() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    PERFORM inventory.charge_quotas(d.tenant_id, d.gpus, d.memory, d.held, d.price) FROM (
      SELECT u.tenant_id, sum(l.sign * l.root_units) AS gpus, sum(l.sign * l.memory_mb::bigint) AS memory,
             sum(l.sign * l.root_units) FILTER (WHERE l.held_until IS NOT NULL) AS held,
             sum(l.sign * l.price_per_hour_nano_usd::numeric) AS price
        FROM (SELECT 1 AS sign, c.* FROM came c WHERE c.released_at IS NULL
              UNION ALL SELECT -1, w.* FROM went w WHERE w.released_at IS NULL) l
        JOIN inventory.allocation a ON a.id = l.allocation_id
        JOIN inventory.tenant_usage u ON u.tenant_id = a.tenant_id
       GROUP BY u.tenant_id ORDER BY u.tenant_id OFFSET 0) d;
  ELSE
    PERFORM inventory.charge_quotas(d.tenant_id, d.gpus, d.memory, d.held, d.price) FROM (
      SELECT u.tenant_id, sum(l.sign * l.root_units) AS gpus, sum(l.sign * l.memory_mb::bigint) AS memory,
             sum(l.sign * l.root_units) FILTER (WHERE l.held_until IS NOT NULL) AS held,
             sum(l.sign * l.price_per_hour_nano_usd::numeric) AS price
        FROM (SELECT TG_ARGV[0]::integer AS sign, t.* FROM touched t WHERE t.released_at IS NULL) l
        JOIN inventory.allocation a ON a.id = l.allocation_id
        JOIN inventory.tenant_usage u ON u.tenant_id = a.tenant_id
       GROUP BY u.tenant_id ORDER BY u.tenant_id OFFSET 0) d;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER allocation_gpu_count_inserted AFTER INSERT ON inventory.allocation_gpu
  REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION inventory.count_quota_use('1');
CREATE TRIGGER allocation_gpu_count_deleted AFTER DELETE ON inventory.allocation_gpu
  REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION inventory.count_quota_use('-1');
CREATE TRIGGER allocation_gpu_count_updated AFTER UPDATE ON inventory.allocation_gpu
  REFERENCING OLD TABLE AS went NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION inventory.count_quota_use();

-- Quotas take effect with the row that states them. The first ones of a tenant count what it has: no claim of it begins
-- meanwhile (claims lock their tenant by its key) and no allocation of it ends.
CREATE FUNCTION inventory.apply_quotas() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  limits inventory.tenant_usage := jsonb_populate_record(NULL::inventory.tenant_usage, jsonb_build_object(
    'tenant_id', NEW.id, 'max_gpu_units', (NEW.quotas ->> 'maxGpus')::bigint * 1000,
    'max_memory_mb', NEW.quotas ->> 'maxMemoryMb', 'max_held_units', (NEW.quotas ->> 'maxHeldGpus')::bigint * 1000,
    'max_price_per_hour_nano_usd', NEW.quotas ->> 'maxPricePerHourNanoUsd'));
BEGIN
  IF num_nonnulls(limits.max_gpu_units, limits.max_memory_mb, limits.max_held_units,
                  limits.max_price_per_hour_nano_usd) = 0 THEN
    DELETE FROM inventory.tenant_usage WHERE tenant_id = NEW.id;
    RETURN NULL;
  END IF;
  UPDATE inventory.tenant_usage
     SET max_gpu_units = limits.max_gpu_units, max_memory_mb = limits.max_memory_mb,
         max_held_units = limits.max_held_units, max_price_per_hour_nano_usd = limits.max_price_per_hour_nano_usd
   WHERE tenant_id = NEW.id;
  IF FOUND THEN RETURN NULL; END IF;
  PERFORM FROM inventory.tenant WHERE id = NEW.id FOR UPDATE;
  PERFORM FROM inventory.allocation WHERE tenant_id = NEW.id AND released_at IS NULL ORDER BY id FOR NO KEY UPDATE;
  SELECT coalesce(sum(l.root_units), 0), coalesce(sum(l.memory_mb), 0),
         coalesce(sum(l.root_units) FILTER (WHERE l.held_until IS NOT NULL), 0),
         coalesce(sum(l.price_per_hour_nano_usd), 0)
    INTO limits.gpu_units, limits.memory_mb, limits.held_units, limits.price_per_hour_nano_usd
    FROM inventory.allocation a JOIN inventory.allocation_gpu l ON l.allocation_id = a.id AND l.released_at IS NULL
   WHERE a.tenant_id = NEW.id AND a.released_at IS NULL;
  INSERT INTO inventory.tenant_usage SELECT limits.*;
  RETURN NULL;
END $$;
CREATE TRIGGER tenant_apply_quotas AFTER INSERT OR UPDATE OF quotas ON inventory.tenant
  FOR EACH ROW EXECUTE FUNCTION inventory.apply_quotas();

SELECT set_config('app.tenant_id', '*', true);
UPDATE inventory.tenant SET quotas = quotas WHERE quotas IS NOT NULL;
