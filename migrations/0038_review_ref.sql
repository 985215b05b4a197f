-- What makes tasks of one kind numbers its uses by itself: two may have the same number, never of the same event.
DROP INDEX access.review_ref;
CREATE UNIQUE INDEX review_ref ON access.review (kind, reader, patient, ref, event) NULLS NOT DISTINCT WHERE ref IS NOT NULL;
