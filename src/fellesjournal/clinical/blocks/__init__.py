"""Blocks (sperring) in words and forms: for the citizen's own page, and for staff who register one for a patient."""
