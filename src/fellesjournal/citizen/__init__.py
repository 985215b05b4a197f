"""The citizen's pages, and the pages that are open to all: the front page, privacy, accessibility.

`own/` shows the own record, `log/` who has seen it. What is withheld never gets here: the database leaves it
out.
"""
