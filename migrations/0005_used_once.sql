-- What may be used only once: the state of a sign-in, a code of the test provider, a client assertion.

CREATE TABLE identity.used_once (
  digest bytea PRIMARY KEY,              -- SHA-256; the thing itself is never stored
  until_at timestamptz NOT NULL          -- after this it has run out by itself and the row may go
);
CREATE INDEX used_once_until ON identity.used_once (until_at);
ALTER TABLE identity.used_once OWNER TO fj_owner;
