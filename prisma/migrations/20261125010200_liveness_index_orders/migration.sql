-- What agents are asked to do is looked up every few seconds: both are few at any time.
CREATE INDEX node_draining_idx ON inventory.node (id) WHERE eligibility = 'draining' AND deleted_at IS NULL;
CREATE INDEX verification_challenged_idx ON inventory.verification (expires_at) WHERE state = 'challenged';
