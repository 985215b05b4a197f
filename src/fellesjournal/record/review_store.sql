-- name: subject
-- Names and birth date of the person of a reviewer's task; logged. No row: nobody, or another's task.
SELECT is_protected, names, born FROM vault.subject_of_review($1, $2, $3)

-- name: people
-- The next people who were written since they were last read, as the analysis of the log needs them; logged.
SELECT at, at_slot, at_pid, patient, people FROM vault.people_to_read($1, $2, $3, $4, $5)

-- name: people_read
-- Remembers how far people were read.
SELECT vault.people_were_read($1, $2)
