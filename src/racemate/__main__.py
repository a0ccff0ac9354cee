"""``python -m racemate`` is the command line."""

from racemate.cli import main

if __name__ == "__main__":
    main()
