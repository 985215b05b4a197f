-- Whoever may open a record in an emergency (blålys) must be able to find out whose it is. Helsepersonelloven §§ 7 and 48.
INSERT INTO access.role_rule (role, action) VALUES ('helsefagarbeider', 'identify');
