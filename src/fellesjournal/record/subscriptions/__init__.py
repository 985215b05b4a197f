"""Subscriptions by topic (R5 Backport for R4): who wants to be told of what, and how that is carried out.

`topics` are what may be subscribed to, `wish` is what a Subscription asks for, `match` whether an event is wanted.
`watch` reads the change feed and numbers events; `deliver` sends them. `engine.sql` keeps all of it.
Nobody is told what they could not read: each event is decided and logged as the subscriber's own, when it is sent.
"""
