"""Who has seen my record: the access log as the citizen reads it.

Always the ground, never the free-text reason.
"""
