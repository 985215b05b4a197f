"""Representation: whom the citizen acts for, who acts for them, fullmakt given and taken back, next of kin chosen."""
