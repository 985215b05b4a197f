"""The reviewer's workplace: emergency access, overrides, chosen grounds, questions from citizens, findings in the log.

It opens no record. A task shows times, counts and relations, and whom it is about; what was read is never shown.
"""
