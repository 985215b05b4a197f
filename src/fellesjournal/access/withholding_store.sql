-- name: overview
-- Staff: everyone who is parent, guardian or proxy of a patient, and what it opens now.
SELECT * FROM access.overview_of_representatives($1, $2)

-- name: grounds
-- Staff: the grounds to choose from, at the patient's age.
SELECT code, name_nb, name_nn, name_en FROM access.withhold_grounds($1, $2, $3)

-- name: cut
-- Staff: keeps one parent out, or lets them in again; a word for how it went.
SELECT access.parent_cut_put($1, $2, $3, $4, $5, $6)

-- name: withholdings
-- Staff: what is withheld from parents, those in force first.
SELECT * FROM access.withholdings($1, $2)

-- name: to_tell
-- Staff: the parents who may be told something now.
SELECT person, name, relation FROM access.to_tell($1, $2)

-- name: note_telling
-- Notes that parents were told what stands in a row; a word for how it went.
SELECT access.parents_told_put($1, $2, $3, $4, $5, $6)

-- name: parents_told
-- What parents were told, newest first.
SELECT * FROM access.parents_told($1, $2)
