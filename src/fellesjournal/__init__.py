"""Fellesjournal: one shared health record for all of a municipality's health and care services."""

__version__ = "0.1.0"
