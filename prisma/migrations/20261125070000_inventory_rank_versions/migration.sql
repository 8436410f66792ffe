-- '12.4.0' → '21214': each part behind the number of its digits, trailing zero parts left out. Compared as text, byte by
-- byte, such ranks stand as the versions do part by part (12 < 12.4 < 12.10 < 13), for a hundredth of what taking the
-- versions apart costs in a search that looks at thousands of rows. NULL for anything that is not dotted numbers.
CREATE FUNCTION inventory.version_rank(version text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (SELECT string_agg(length(part::text)::text || part, '' ORDER BY place)
          FROM unnest(inventory.version_key(regexp_replace(version, '([.]0+)+$', ''))) WITH ORDINALITY AS parts(part, place));

-- Rewrites the table, and nobody reads or writes GPUs meanwhile: about 15 s for a million of them.
ALTER TABLE inventory.gpu_state
  ADD COLUMN compute_capability_rank text COLLATE "C" GENERATED ALWAYS AS (inventory.version_rank(compute_capability)) STORED,
  ADD COLUMN driver_version_rank     text COLLATE "C" GENERATED ALWAYS AS (inventory.version_rank(driver_version)) STORED,
  ADD COLUMN cuda_version_rank       text COLLATE "C" GENERATED ALWAYS AS (inventory.version_rank(cuda_version)) STORED;
