-- name: heads
-- Heads of code systems, by their artifacts.
SELECT system, head FROM terminology.heads($1)

-- name: system_of
-- The code system whose every code a value set has.
SELECT terminology.system_of($1)

-- name: systems
-- All code systems, by address and version.
SELECT url, version, head FROM terminology.systems()

-- name: concepts
-- Some codes of a system, with all that is known of them but designations.
SELECT n, code, plain, flags, display, definition, properties, parents FROM terminology.concepts($1, $2)

-- name: designations
-- Designations of some places of a system, its own first.
SELECT n, language, use, value FROM terminology.designations($1, $2)

-- name: existing
-- Which codes there are: places in the arrays, from 1.
SELECT existing FROM terminology.existing($1, $2)

-- name: page
-- A page of a system, in its order.
SELECT n, code, flags, display, parents FROM terminology.page($1, $2, $3, $4, $5, $6)

-- name: count
-- How many codes such a page is one of.
SELECT terminology.count($1, $2, $3, $4)

-- name: search
-- Codes that a few words find, best first.
SELECT how, length, key, system, n, code, flags, display, parents FROM terminology.search($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- name: related
-- The codes below one, or above it; no row when the system has no such code.
SELECT related FROM terminology.related($1, $2, $3)

-- name: kin
-- The codes right above and right below one.
SELECT is_up, code, display FROM terminology.kin($1, $2)

-- name: relation
-- How two codes stand to each other.
SELECT terminology.relation($1, $2, $3)

-- name: with_property
-- The codes that have a property, with its values.
SELECT code, value FROM terminology.with_property($1, $2, $3)

-- name: every
-- Every code with its code, display or definition.
SELECT code, value FROM terminology.every($1, $2)

-- name: maps
-- The ConceptMaps from one system to another.
SELECT canonical FROM terminology.maps($1, $2)

-- name: missing
-- What packages have that is not in.
SELECT package, artifact FROM terminology.missing()

-- name: begin_system
-- Begins with a code system.
SELECT terminology.begin_system($1, $2, $3, $4, $5, $6, $7)

-- name: put_concepts
-- Puts some concepts in.
SELECT terminology.put_concepts($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)

-- name: put_texts
-- Puts some texts in.
SELECT terminology.put_texts($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- name: put_properties
-- Puts some values of properties in.
SELECT terminology.put_properties($1, $2, $3, $4)

-- name: finish_system
-- Ends with a code system: who is above whom, and supplements.
SELECT terminology.finish_system($1)

-- name: put_map
-- Puts a ConceptMap in.
SELECT terminology.put_map($1, $2, $3, $4, $5)

-- name: remove_system
-- Takes away what was made of one CodeSystem of a package; whether there was one.
SELECT terminology.remove_system($1)
