-- name: next_seal
-- The next batch to be sealed, at most so many rows; no row when nothing waits.
SELECT number, era, from_xid::text, from_pos, to_xid::text, to_pos, rows, digest, marks, previous, seen_xid::text, seen_at
FROM access.next_seal($1)

-- name: put_seal
-- Adds a seal to the chain.
SELECT access.put_seal($1, $2, $3, $4::text::xid8, $5, $6::text::xid8, $7, $8, $9, $10, $11, $12::text::xid8, $13, $14, $15, $16)

-- name: seals
-- Seals from a number on, oldest first.
SELECT number, format, era, from_xid::text, from_pos, to_xid::text, to_pos, rows, digest, seen_xid::text, seen_at, previous, seal, key,
       signature
FROM access.seals($1, $2)

-- name: marks
-- The marks of one seal's rows.
SELECT access.seal_marks($1)

-- name: lines
-- Rows of an era after one place, up to and with another, in order, at most so many.
SELECT xid::text, pos, at, line FROM access.log_lines($1, $2::text::xid8, $3, $4::text::xid8, $5, $6)

-- name: eras
-- The eras that rows are of.
SELECT era, is_known FROM access.log_eras() ORDER BY era

-- name: changed_devices
-- The devices whose name is no longer the one that their key was made of.
SELECT key FROM access.changed_devices() AS c (key)
