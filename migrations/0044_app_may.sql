-- What an app's token may do with which types, for the database's own policies; tokens from before say nothing of it and end.
ALTER TABLE identity.session ADD COLUMN app_may smallint[];
UPDATE identity.session SET ended_at = clock_timestamp() WHERE app IS NOT NULL AND ended_at IS NULL;
