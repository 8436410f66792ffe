-- What an allocation is, its live rows in the ledger say as well: none where it has ended, and its own deadline on each. A step
-- writes the rows that its snapshot shows; a move that commits while the step waits for its locks has added others. The
-- step then is tried again, as after any failure of serialisation.
CREATE FUNCTION inventory.bind_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM inventory.allocation_gpu l
              WHERE l.allocation_id = NEW.id AND l.released_at IS NULL
                AND (NEW.state NOT IN ('held', 'active', 'releasing') OR l.held_until IS DISTINCT FROM NEW.held_until)) THEN
    RAISE EXCEPTION 'allocation % was moved meanwhile', NEW.id USING ERRCODE = 'serialization_failure';
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER allocation_bind_ledger AFTER UPDATE OF state, held_until ON inventory.allocation
  FOR EACH ROW WHEN (OLD.state <> NEW.state OR OLD.held_until IS DISTINCT FROM NEW.held_until)
  EXECUTE FUNCTION inventory.bind_ledger();
