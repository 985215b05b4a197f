-- Each sealing of a context has a number; only the newest of a connection is good. Never in a backup: it means nothing elsewhere.
CREATE UNLOGGED SEQUENCE ctx.seal_number AS bigint CACHE 256;
ALTER SEQUENCE ctx.seal_number OWNER TO ctx_keeper;
