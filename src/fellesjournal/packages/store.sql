-- name: version
-- The number of the last change to the installed definitions.
SELECT definitions.version()

-- name: find
-- What each canonical means, one row each.
SELECT canonical, artifact FROM definitions.find($1, $2)

-- name: closure
-- What each canonical means and what these stand on, StructureDefinitions alone.
SELECT canonical, artifact FROM definitions.closure($1, $2)

-- name: versions
-- Every artifact of a type with a url, and a version unless it is NULL.
SELECT artifact FROM definitions.versions($1, $2, $3) AS artifact

-- name: bodies
-- Artifacts whole.
SELECT artifact, rtype, installed_at, body FROM definitions.bodies($1)

-- name: begin_package
-- Begins or goes on with a package: its id, how it stands, how many artifacts are in.
SELECT package, state, is_in FROM definitions.begin_package($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)

-- name: put_artifacts
-- Puts some artifacts in; false when the package is not being installed.
SELECT definitions.put_artifacts($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)

-- name: finish_package
-- Shows a package to everybody; false when not all of it is in.
SELECT definitions.finish_package($1, $2)

-- name: begin_removal
-- Takes a package out of sight; its id.
SELECT definitions.begin_removal($1, $2, $3)

-- name: remove_artifacts
-- Deletes some artifacts of a package that is being removed; whether there are more.
SELECT definitions.remove_artifacts($1, $2)

-- name: list_packages
-- Every package, those that are not ready too.
SELECT id, name, version, title, canonical, licence, fhir_version, source, sha256, dependencies, left_out, artifacts, examples, state,
  installed_by, installed_at FROM definitions.list_packages()

-- name: list_artifacts
-- What stands in a package, without bodies.
SELECT id, rtype, url, version, fhir_id, name, title, kind, standing FROM definitions.list_artifacts($1)

-- name: read_package
-- The next bodies of some types in a package.
SELECT artifact, place, rtype, body FROM definitions.read_package($1, $2, $3, $4)
