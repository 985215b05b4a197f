"""What `run` and `test` are made of: standard library only."""
