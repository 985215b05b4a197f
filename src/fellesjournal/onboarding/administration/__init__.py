"""The administrator's pages: people and their posts, units, roles, files, systems, and every change.

What is done here, the database decides; see `identity.administration`.
"""
