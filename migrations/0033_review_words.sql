-- What a reviewer's reading is called in the log, and the sources of the signs in words that a reviewer can look up.
INSERT INTO access.ground (code, name_nb, name_nn, name_en, roles, source) VALUES
 ('KONTROLL', 'Kontroll av hvem som har sett journalen', 'Kontroll av kven som har sett journalen', 'Review of who has seen the record',
  '{}', 'pasientjournalloven §§ 16 og 22; Normen 5.4.4');

UPDATE access.review_sign SET source = 'helsepersonelloven § 21 a; pasientjournalloven § 16' WHERE grp = 'RELATION';
UPDATE access.review_sign SET source = 'pasientjournalloven § 16' WHERE code = 'NO_NEED';
UPDATE access.review_sign SET source = 'Normen 5.4.4' WHERE code IN ('REFUSED', 'AFTER_REFUSAL', 'DEEP', 'ODD_TIME', 'VOLUME');
UPDATE access.review_sign SET source = 'helsepersonelloven §§ 21 a og 39' WHERE code IN ('CHOSEN', 'SELF_MADE');
UPDATE access.review_sign SET source = 'pasientjournalloven § 19' WHERE code = 'LATE';
