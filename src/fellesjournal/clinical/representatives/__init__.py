"""Who acts for a patient, as staff see it: parents, guardians and proxies; items withheld from parents, one parent kept
out, what parents of a young person were told.
"""
