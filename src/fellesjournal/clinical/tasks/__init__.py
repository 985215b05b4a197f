"""Tasks and the inbox: results to sign, notes to read, what to do; each has an owner, a due date, and an end."""
