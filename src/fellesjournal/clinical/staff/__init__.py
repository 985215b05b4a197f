"""Staff in the directory: a Practitioner for each who works here, a PractitionerRole for each post, kept as these are.

Demo's and other systems' own rows stay theirs: they are linked, and changed by whoever made them.
"""
