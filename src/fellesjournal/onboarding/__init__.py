"""Taking a municipality in and out: its units, people and rights (`administration`), by systems too (`scim`), and the
whole of what it answers for in a file (`takeout`).
"""
