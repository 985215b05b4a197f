"""Apps beside the record: letting one in, opening one from a chart, seeing and taking back what was given, and
registering them.

The protocol is `identity.apps`; here stands what people see of it.
"""
