-- Intervals of silence: what uptime is made of. `offline`: the node's own; `unknown`: the breaker had tripped, so nobody
-- knows. A node has one open incident at most; no foreign keys, as in all history.
CREATE TABLE inventory.incident (
  id          uuid        PRIMARY KEY,
  node_id     uuid        NOT NULL,
  provider_id uuid        NOT NULL,
  kind        text        NOT NULL CHECK (kind IN ('offline', 'unknown')),
  started_at  timestamptz NOT NULL,
  ended_at    timestamptz,
  CONSTRAINT incident_interval_check CHECK (started_at <= ended_at)
);
CREATE UNIQUE INDEX incident_open_key ON inventory.incident (node_id) WHERE ended_at IS NULL;
CREATE INDEX incident_node_id_idx ON inventory.incident (node_id, started_at);
CREATE INDEX incident_provider_id_idx ON inventory.incident (provider_id, started_at);

-- Each time that the breaker tripped: how many nodes became unknown of how many watched, and when it was released.
CREATE TABLE inventory.breaker_trip (
  id             uuid        PRIMARY KEY,
  nodes          integer     NOT NULL,
  watched        integer     NOT NULL,
  tripped_at     timestamptz NOT NULL,
  released_at    timestamptz,
  release_reason text,
  version        bigint      NOT NULL DEFAULT 1
);
CREATE INDEX breaker_trip_open_idx ON inventory.breaker_trip (tripped_at) WHERE released_at IS NULL;

-- From then on a node counts in the uptime of its provider.
ALTER TABLE inventory.node ADD COLUMN first_heard_at timestamptz;
-- `breaker_id`: unknown by this trip, and not judged until it is released.
ALTER TABLE inventory.node_heartbeat ADD COLUMN flapping_since timestamptz, ADD COLUMN breaker_id uuid;

UPDATE inventory.node n SET first_heard_at = c.at
  FROM (SELECT node_id, min(at) AS at FROM inventory.change WHERE type = 'node.online' GROUP BY node_id) c
 WHERE c.node_id = n.id;
-- Version 7 of RFC 9562 by hand: PostgreSQL 15 makes version 4 only.
INSERT INTO inventory.incident (id, node_id, provider_id, kind, started_at)
SELECT overlay(overlay(md5(random()::text || node_id) PLACING
         lpad(to_hex(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') FROM 1)
         PLACING '7' FROM 13)::uuid, node_id, provider_id, liveness, last_heartbeat_at
  FROM inventory.node_heartbeat WHERE liveness IN ('offline', 'unknown') AND last_heartbeat_at IS NOT NULL;
