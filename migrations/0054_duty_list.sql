-- Leaders keep the duty list of their own unit, on a page.
INSERT INTO access.right_kind (code, about) VALUES ('duty', 'keep the duty list of the own unit');
INSERT INTO access.role_rule (role, action) VALUES ('leder', 'duty');
INSERT INTO access.role_offer (role, action) VALUES ('leder', 'duty');
ALTER TABLE identity.change DROP CONSTRAINT change_subject_check;
ALTER TABLE identity.change ADD CONSTRAINT change_subject_check
  CHECK (subject IN ('unit', 'person', 'post', 'right', 'controllership', 'client', 'known', 'review', 'duty'));
