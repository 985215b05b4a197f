"""Planted snooping among ordinary readings: a town, its working days, those who look without need, and what was found.

The town is made here and knows nothing of the analysis: neither its signs nor its weights or bounds.
"""
