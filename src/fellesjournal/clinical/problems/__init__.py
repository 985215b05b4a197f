"""The problem list: what lasts and must be known, raised from a contact or added, ended, taken up again."""
