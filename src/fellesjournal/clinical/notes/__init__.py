"""Journal notes: written as free text, signed as a version for ever, corrected as a new version beside the
old.
"""
