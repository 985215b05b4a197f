-- Subscriptions by topic: who is to be told of what, how far each has come, and the events themselves (ids alone).

DO $$
BEGIN
  CREATE ROLE vault_tell NOLOGIN NOSUPERUSER NOBYPASSRLS;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;  -- roles are shared by the databases of a cluster
END $$;

-- One row for each Subscription that is carried out. The subscriber is whoever wrote it last: `session` is made from theirs (`made_by`)
-- by the worker, ends with their post or grant, and decides each event.
CREATE TABLE vault.subscription (
  slot smallint NOT NULL, pid bigint NOT NULL,
  version integer NOT NULL,              -- of the resource that is carried out
  org bigint NOT NULL, person bigint NOT NULL, made_by bigint NOT NULL, session bigint,
  channel text NOT NULL CHECK (channel IN ('rest-hook', 'websocket', 'search')),
  wish text NOT NULL,                    -- what is asked for, as JSON
  status text NOT NULL DEFAULT 'requested' CHECK (status IN ('requested', 'active', 'error', 'off')),
  error text NOT NULL DEFAULT '',        -- a word for what went wrong last
  since timestamptz NOT NULL,            -- what was written from then on makes events
  until_at timestamptz NOT NULL,
  heartbeat_s integer NOT NULL DEFAULT 0,
  events bigint NOT NULL DEFAULT 0,      -- the number of the newest event
  sent bigint NOT NULL DEFAULT 0,        -- the number of the last one that was received
  failures integer NOT NULL DEFAULT 0,
  next_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  last_at timestamptz NOT NULL DEFAULT clock_timestamp(),  -- the last time that anything was received
  busy_until timestamptz NOT NULL DEFAULT '-infinity',     -- a worker is at it
  PRIMARY KEY (slot, pid),
  CHECK (sent BETWEEN 0 AND events)
);
CREATE INDEX subscription_person ON vault.subscription (person);

-- One row for each event. A version is told of once, however often the feed is read.
CREATE TABLE vault.subscription_event (
  sub_slot smallint NOT NULL, sub_pid bigint NOT NULL, number bigint NOT NULL,
  slot smallint NOT NULL, pid bigint NOT NULL, version integer NOT NULL, rtype smallint NOT NULL, op "char" NOT NULL,
  at timestamptz NOT NULL,
  made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (sub_slot, sub_pid, number),
  UNIQUE (sub_slot, sub_pid, pid, version),
  FOREIGN KEY (sub_slot, sub_pid) REFERENCES vault.subscription ON DELETE CASCADE
);
CREATE INDEX subscription_event_made ON vault.subscription_event (made_at);

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['subscription', 'subscription_event'] LOOP
    EXECUTE format('ALTER TABLE vault.%I OWNER TO fj_owner', t);
    EXECUTE format('ALTER TABLE vault.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE vault.%I FORCE ROW LEVEL SECURITY', t);
  END LOOP;
END $$;
