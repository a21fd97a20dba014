"""The role that the service logs in as. It may read and write `products`, and nothing else.

Each migration sets exactly these rights, in one transaction. It refuses a role whose powers do not come from grants (an
attribute, a membership, ownership), and does not change it. The server receives a password only as the hash that it
stores, because servers log statements.

This is not one of the schema's migrations (`migrations/`): the role's name and its way to log in are settings, which
may change with each deployment. Besides, an older version cannot be deployed after a migration that it does not know.
"""

import base64
import hashlib
import hmac
import os
from dataclasses import dataclass, field

from pg8000.native import identifier, literal
from sqlalchemy import Connection, text

from chalicelib.database.migrations import RefusedError
from chalicelib.database.pool import Timeouts, server_limits

RIGHTS = "SELECT, INSERT, UPDATE, DELETE"
IAM_ROLE = "rds_iam"  # on RDS, its members log in with a token only
ITERATIONS = 4096  # PostgreSQL's own number, and the least that it accepts

POWERS = """
SELECT rolname = current_user AS is_owner,
       rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls AS is_powerful,
       (SELECT string_agg(quote_ident(others.rolname), ', ')
          FROM pg_auth_members JOIN pg_roles AS others ON others.oid = roleid
         WHERE member = me.oid AND others.rolname <> :iam_role) AS memberships,
       EXISTS (SELECT FROM pg_shdepend
                WHERE refclassid = 'pg_authid'::regclass AND refobjid = me.oid AND deptype = 'o'
                  AND dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))) AS owns
  FROM pg_roles AS me WHERE rolname = :name
"""

GRANTED = """
SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END || pg_class.oid::regclass::text
  FROM pg_class, aclexplode(relacl) AS granted WHERE granted.grantee = CAST(:name AS regrole)
UNION
SELECT 'TABLE ' || attrelid::regclass::text
  FROM pg_attribute, aclexplode(attacl) AS granted WHERE granted.grantee = CAST(:name AS regrole)
UNION
SELECT 'SCHEMA ' || quote_ident(nspname)
  FROM pg_namespace, aclexplode(nspacl) AS granted WHERE granted.grantee = CAST(:name AS regrole)
"""

SCHEMA = "SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = 'products'::regclass"

# A table made by others may have columns that a sequence fills (serial). Identity columns need no right for theirs.
SEQUENCES = """
SELECT DISTINCT refobjid::regclass::text
  FROM pg_depend JOIN pg_attrdef ON objid = pg_attrdef.oid JOIN pg_class ON refobjid = pg_class.oid
 WHERE classid = 'pg_attrdef'::regclass AND refclassid = 'pg_class'::regclass AND relkind = 'S'
   AND adrelid = 'products'::regclass
"""

EXCESS = """
SELECT what FROM (VALUES
    ('create temporary tables', has_database_privilege(:name, current_database(), 'TEMP')),
    ('create schemas', has_database_privilege(:name, current_database(), 'CREATE'))) AS may (what, it_does)
 WHERE it_does
UNION ALL
SELECT 'create tables in the schema ' || quote_ident(nspname) FROM pg_namespace
 WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' AND has_schema_privilege(:name, oid, 'CREATE')
"""


@dataclass(frozen=True, slots=True)
class ServiceRole:
    """A role and its way to log in: IAM tokens, a password, or (neither) what is set in the database already."""

    name: str
    password: str | None = field(default=None, repr=False)
    by_token: bool = False


def establish(connection: Connection, role: ServiceRole) -> None:
    """Create the role if it is missing, and set its rights and its way to log in, in one transaction.

    Raises:
        RefusedError: the role could do more than it should, or could not log in.
    """
    with connection.begin():
        if not _role_exists(connection, role.name):
            _run(connection, f"CREATE ROLE {identifier(role.name)}")
        _refuse_powers(connection, role.name)
        _set_rights(connection, role.name)
        _set_login(connection, role)
        _set_limits(connection, role.name)
        _refuse_excess(connection, role.name)


def _refuse_powers(connection: Connection, name: str) -> None:
    values = {"name": name, "iam_role": IAM_ROLE}
    (found,) = connection.execute(text(POWERS), values).mappings()
    if found["is_owner"]:
        raise RefusedError(f"the service would log in as the owner, {name}; put another user into DATABASE_URL")
    if found["is_powerful"]:
        raise RefusedError(f"the role {name} may more than log in (SUPERUSER, CREATEROLE or the like); name another")
    if found["memberships"]:
        raise RefusedError(f"the role {name} is a member of {found['memberships']}; revoke that, or name another")
    if found["owns"]:
        raise RefusedError(f"the role {name} owns something in this database; change its owner, or name another role")


def _set_rights(connection: Connection, name: str) -> None:
    role = identifier(name)
    (schema,) = _column(connection, SCHEMA)
    (database,) = _column(connection, "SELECT quote_ident(current_database())")
    for granted in _column(connection, GRANTED, name=role):
        _run(connection, f"REVOKE ALL ON {granted} FROM {role}")
    # Each role has the rights of PUBLIC. They cannot be revoked from one role.
    _run(connection, f"REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC")
    _run(connection, f"REVOKE CREATE, TEMPORARY ON DATABASE {database} FROM PUBLIC, {role}")
    _run(connection, f"GRANT CONNECT ON DATABASE {database} TO {role}")
    _run(connection, f"GRANT USAGE ON SCHEMA {schema} TO {role}")
    _run(connection, f"GRANT {RIGHTS} ON products TO {role}")
    for sequence in _column(connection, SEQUENCES):
        _run(connection, f"GRANT USAGE ON SEQUENCE {sequence} TO {role}")


def _set_login(connection: Connection, role: ServiceRole) -> None:
    name, has_iam = identifier(role.name), _role_exists(connection, IAM_ROLE)
    if role.by_token and not has_iam:
        raise RefusedError(
            f"it has no role {IAM_ROLE}, so the service cannot log in by token;"
            " turn on IAM database authentication of the instance, at once and not in its maintenance window"
        )
    if has_iam and (role.by_token or role.password is not None):
        _run(connection, f"GRANT {IAM_ROLE} TO {name}" if role.by_token else f"REVOKE {IAM_ROLE} FROM {name}")
    _run(connection, f"ALTER ROLE {name} LOGIN{_password_clause(role)}")


def _set_limits(connection: Connection, name: str) -> None:
    """Give the role its time limits in this database. Through RDS Proxy, a client that sets them itself is pinned."""
    (database,) = _column(connection, "SELECT quote_ident(current_database())")
    for limit, value in server_limits(Timeouts()).by_name.items():
        _run(connection, f"ALTER ROLE {identifier(name)} IN DATABASE {database} SET {limit} = {value}")


def _password_clause(role: ServiceRole) -> str:
    if role.by_token:
        return " PASSWORD NULL"
    return "" if role.password is None else f" PASSWORD {literal(scram_hash(role.password))}"


def scram_hash(password: str) -> str:
    """Return the hash that PostgreSQL stores for a password (SCRAM-SHA-256, RFC 5803).

    Raises:
        RefusedError: the password has a character outside ASCII, which clients normalize in different ways.
    """
    if not password.isascii():
        raise RefusedError("the service's password has other than ASCII characters; take another")
    salt = os.urandom(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    return f"SCRAM-SHA-256${ITERATIONS}:{_base64(salt)}${_base64(stored)}:{_base64(server)}"


def _refuse_excess(connection: Connection, name: str) -> None:
    """Refuse rights of PUBLIC that this user cannot revoke: for these, REVOKE only warns."""
    excess = _column(connection, EXCESS, name=name)
    if excess:
        raise RefusedError(
            f"the role {name} may still {' and '.join(excess)}; have their owner revoke that from PUBLIC"
        )


def _role_exists(connection: Connection, role: str) -> bool:
    return bool(connection.scalar(text("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = :role)"), {"role": role}))


def _column(connection: Connection, sql: str, **values: str) -> list[str]:
    return [str(row[0]) for row in connection.execute(text(sql), values)]


def _run(connection: Connection, sql: str) -> None:
    connection.exec_driver_sql(sql.replace("%", "%%"))  # the driver reads % as the start of a placeholder


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
