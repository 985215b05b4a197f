"""Why somebody has access to a chart or not, and what they can do: a chosen ground, emergency access, an override.

The pages show nothing of the chart, not even whose it is: only what the rules say of the one who asks.
"""
