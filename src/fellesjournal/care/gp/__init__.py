"""Fastlege: the day list, the week, and what waits beside them."""
