"""Products in PostgreSQL: the connection pool, logins and their rotation, statements, migrations.

From outside: `store.PostgresStore`, `login.database_source`, and `migrate`.
"""
