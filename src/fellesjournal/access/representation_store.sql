-- name: represented
-- Whom the citizen of this session may act for, by name.
SELECT patient, name, ground, relation, CASE WHEN isfinite(until_at) THEN until_at END AS until_at, may_act, areas FROM access.represented($1)

-- name: representatives
-- Who acts for the citizen of this session.
SELECT name, ground, relation, CASE WHEN isfinite(until_at) THEN until_at END AS until_at, may_act, areas, proxy FROM access.representatives($1)

-- name: areas
-- What a fullmakt may be bounded to.
SELECT code, name_nb, name_nn, name_en FROM access.proxy_areas()

-- name: give
-- Gives fullmakt; a word for how it went.
SELECT access.proxy_give($1, $2, $3, $4, $5, $6)

-- name: take_back
-- Takes a fullmakt back; false when it is not theirs to take.
SELECT access.proxy_end($1, $2)

-- name: choose_kin
-- One more next of kin, or one less; a word for how it went.
SELECT access.kin_choose($1, $2, $3, $4, $5)

-- name: kin
-- The next of kin that the patient chose.
SELECT id, name, relation, phone FROM access.kin_of($1, $2)

-- name: overview
-- Staff: everyone who is parent, guardian or proxy of a patient, and what it opens now.
SELECT * FROM access.overview_of_representatives($1, $2)

-- name: cut
-- Staff: keeps one parent out, or lets them in again; a word for how it went.
SELECT access.parent_cut_put($1, $2, $3, $4, $5, $6)

-- name: grounds
-- The grounds to choose from.
SELECT code, name_nb, name_nn, name_en FROM access.withhold_grounds($1)

-- name: note_withholding
-- Notes who withheld what, and why; false when refused.
SELECT access.withholding_put($1, $2, $3, $4, $5, $6)
