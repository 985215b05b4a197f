"""Code systems and value sets: what a code means, and which code a word means.

`icpc2` holds the diagnoses of Norwegian primary care.
"""
