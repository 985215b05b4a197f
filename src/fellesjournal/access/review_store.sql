-- name: list_tasks
-- The reviewer's tasks of one state, the most urgent first; logged. Empty when the secret is no reviewer's.
SELECT * FROM access.review_list($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- name: get_task
-- One task with the readings that it is about; logged. No row: there is none, or not for this reviewer.
SELECT * FROM access.review_get($1, $2)

-- name: judge
-- Judges a task: 'ok', 'none' or 'unknown'.
SELECT access.review_judge($1, $2, $3, $4, $5, $6)

-- name: counts
-- How many tasks wait, by kind.
SELECT * FROM access.review_counts($1)

-- name: figures
-- Uses of exceptions by unit and person in a period, with what was said of them.
SELECT * FROM access.review_figures($1, $2, $3)

-- name: signs
-- The signs of a reading without need, with what each weighs, and the threshold.
SELECT * FROM access.review_signs($1)

-- name: kinds
-- What makes a task, in three languages.
SELECT * FROM access.review_kinds()

-- name: analysis_day
-- The next day of the log to read through; NULL when there is none.
SELECT access.day_to_analyse($1, $2)

-- name: analyse_readers
-- What each reader did in a day, kept. False: no grant.
SELECT access.analyse_readers($1, $2)

-- name: analyse_readings
-- Reads one day through, after that. No row: no grant.
SELECT * FROM access.analyse_readings($1, $2)

-- name: keep_traits
-- Keeps traits of people in the place of those that they had of these kinds.
SELECT access.keep_traits($1, $2, $3, $4, $5, $6)

-- name: readers
-- Those who can sign in as staff, after a number.
SELECT * FROM access.readers_named($1, $2, $3)

-- name: keep_reader_names
-- Keeps the family names of readers.
SELECT access.keep_reader_names($1, $2, $3)

-- name: kin_codes
-- What a RelatedPerson must be called to be close family: system, code and kind of trait.
SELECT system, code, kind FROM access.kin_codes()

-- name: tell_family
-- Who is close family of whom today: how many facts began or ended; NULL without the grant.
SELECT access.tell_family($1)
