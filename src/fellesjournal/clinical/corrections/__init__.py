"""Correction, moving and deletion of entries, by the law's steps (helsepersonelloven §§ 42 and 43).

A correction of the text is a new version (`notes`). Here: an entry is withdrawn, moved to the right person's record, or
deleted by two persons.
"""
