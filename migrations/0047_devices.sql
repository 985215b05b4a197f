-- What a browser or an app calls itself, once, under a key of its own: sessions and the rows of the log hold the key (13 signs), not the whole.
-- The key is made of the name (identity.device_key), so that a name that was changed afterwards is found by `log verify`.

CREATE TABLE identity.device (
  key text PRIMARY KEY,
  name text NOT NULL,
  first_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
ALTER TABLE identity.device OWNER TO fj_owner;
GRANT SELECT ON identity.device TO access_core;

-- Rows of the log that stand keep what they hold, and their seals.
INSERT INTO identity.device (key, name)
SELECT DISTINCT '#' || translate(left(encode(sha256(convert_to(s.device, 'UTF8')), 'base64'), 12), '+/', '-_'), s.device
FROM identity.session s WHERE length(s.device) > 13 OR s.device LIKE '#%';
UPDATE identity.session s SET device = d.key FROM identity.device d WHERE d.name = s.device AND (length(s.device) > 13 OR s.device LIKE '#%');
