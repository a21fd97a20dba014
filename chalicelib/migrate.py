"""`python -m chalicelib.migrate`: bring the database's schema up to date (`chalicelib.database.migrate`)."""

from chalicelib.database.migrate import main

if __name__ == "__main__":
    main()
