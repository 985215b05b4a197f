-- Support opened on the server: by a named operator, for a ticket.
INSERT INTO access.system_purpose (code, about) VALUES ('SUPPORT', 'give support the reading of one record for one ticket');
