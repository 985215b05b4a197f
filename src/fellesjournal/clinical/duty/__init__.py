"""The unit leader's page: who is on duty, put on and taken off. Opens no record."""
