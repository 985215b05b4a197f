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
SELECT access.kin_choose($1, $2, $3, $4, $5, $6)

-- name: kin
-- The next of kin that the patient chose.
SELECT id, name, relation, phone, share_nb, share_nn, share_en, from_at FROM access.kin_of($1, $2)

-- name: kin_shares
-- What a next of kin may be told.
SELECT code, name_nb, name_nn, name_en FROM access.kin_shares()
