-- Which version of a member of staff the directory (Practitioner, PractitionerRole) tells of, and since when.
ALTER TABLE identity.person
  ADD COLUMN told_version integer NOT NULL DEFAULT 1,
  ADD COLUMN told_at timestamptz NOT NULL DEFAULT clock_timestamp();
UPDATE identity.person SET told_version = version WHERE practitioner IS NOT NULL;
INSERT INTO access.system_purpose (code, about) VALUES ('KATALOG', 'keep staff in the directory');
