import sql from 'sql-template-tag';
import { isDue } from '../view.ts';

/**
 * What a tenant uses now, as JSON over `tenant t`. Counted from the ledger for every tenant, by the time of the database:
 * an allocation past its deadline uses nothing, whether somebody swept it or not. Row-level security guards the ledger,
 * so it is read in a transaction of the caller's.
 */
export const usage = sql`(
  SELECT json_build_object(
           'gpus', coalesce(trim_scale(sum(l.root_units) / 1000.0), 0), 'memoryMb', coalesce(sum(l.memory_mb), 0),
           'heldGpus', coalesce(trim_scale(sum(l.root_units) FILTER (WHERE l.held_until IS NOT NULL) / 1000.0), 0),
           'pricePerHourNanoUsd', coalesce(sum(l.price_per_hour_nano_usd), 0)::text)
    FROM inventory.allocation a
    JOIN inventory.allocation_gpu l ON l.allocation_id = a.id AND l.released_at IS NULL
   WHERE a.tenant_id = t.id AND a.released_at IS NULL AND NOT ${isDue(sql`clock_timestamp()`)})`;
