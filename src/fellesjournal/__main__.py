"""`python -m fellesjournal`: the same as the command."""

from fellesjournal.cli import main

if __name__ == "__main__":
    main()
