"""What a reader may choose when no fact gives access, and why access is given or not.

Grounds, limits and who may choose them are rows of `access.ground`; the rules stand in `choices.sql`.
"""
