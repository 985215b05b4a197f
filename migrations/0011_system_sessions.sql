-- Starting a system's session now takes the keyed hash of its name, which a stolen role password does not give.
DROP FUNCTION IF EXISTS identity.start_system(bytea, bigint, bigint, text, integer, text);
