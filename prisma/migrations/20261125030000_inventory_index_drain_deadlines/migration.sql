-- The drains that end by themselves; there are few at any time.
CREATE INDEX node_drain_deadline_idx ON inventory.node (drain_deadline_at)
  WHERE eligibility = 'draining' AND drain_deadline_at IS NOT NULL;
