"""What the figures in docs/operations/figures.md come from: `.venv/bin/python -m bench`, or `make bench`."""
