"""Who may see what, and why: the decision, the facts behind it, the doors of the routes, and the log.

The verdict is the database's, in the same transaction as the rows (`decide.sql`); Python asks and never grants.
"""
