-- Who of those that sign in is which Patient: found by keyed hashes of the national number, whichever comes first.

-- h is the keyed hash as vault.identifier has it of a Patient's number; the number itself stands nowhere here.
CREATE TABLE identity.number_key (
  h bigint NOT NULL,
  person bigint NOT NULL REFERENCES identity.person,
  PRIMARY KEY (h, person)
);
CREATE INDEX number_key_person ON identity.number_key (person);
ALTER TABLE identity.number_key OWNER TO fj_owner;
