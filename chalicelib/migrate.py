"""`python -m chalicelib.migrate`: migrate the database's schema (`chalicelib.database.migrate`)."""

from chalicelib.database.migrate import main

if __name__ == "__main__":
    main()
