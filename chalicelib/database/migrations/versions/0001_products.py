"""Create the table of products, or take over the one that is there

Users know the table as `Products(id INT PRIMARY KEY, name VARCHAR(100), price DECIMAL(10,2))`. This step makes the
database check each product: an id from 1, a name of 1 to 100 characters, a price from 0 to 99999999.99 (and not NaN).

`downgrade` drops the checks and the NOT NULLs, and keeps the table, its rows and its primary key.
"""

import sqlalchemy as sa
from alembic import op

from chalicelib.database.migrations import RefusedError

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

Row = tuple[object, ...]

COLUMNS = {"id": "integer", "name": "character varying(100)", "price": "numeric(10,2)"}
CHECKS = {
    "products_valid_id": "id >= 1",
    "products_valid_name": "char_length(name) BETWEEN 1 AND 100",
    "products_valid_price": "price BETWEEN 0 AND 99999999.99",
}
SHOWN = 5  # how many ids an error message names


def upgrade() -> None:
    kind = _value("SELECT relkind FROM pg_class WHERE oid = to_regclass('products')")
    if kind is None:
        op.execute("CREATE TABLE products (id INT PRIMARY KEY, name VARCHAR(100), price DECIMAL(10, 2))")
        _constrain(add_key=False)
    else:
        _refuse_other_tables(kind)
        add_key = _key_is_missing()
        _refuse_broken_rows()
        _constrain(add_key=add_key)


def downgrade() -> None:
    drops = [f"DROP CONSTRAINT {name}" for name in CHECKS]
    op.execute(_altered(*drops, "ALTER name DROP NOT NULL", "ALTER price DROP NOT NULL"))


def _constrain(*, add_key: bool) -> None:
    """Add all constraints in one statement: one lock, and one scan of the rows."""
    checks = [f"ADD CONSTRAINT {name} CHECK ({check})" for name, check in CHECKS.items()]
    key = ["ADD PRIMARY KEY (id)"] if add_key else []
    op.execute(_altered(*key, "ALTER name SET NOT NULL", "ALTER price SET NOT NULL", *checks))


def _altered(*actions: str) -> str:
    return f"ALTER TABLE products {', '.join(actions)}"


def _refuse_other_tables(kind: object) -> None:
    if kind not in ("r", "p"):
        raise RefusedError("products is not a table; rename it, so that the shop's table can be created")
    types = _rows(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
        " WHERE attrelid = to_regclass('products') AND attnum > 0 AND NOT attisdropped"
    )
    found = {str(row[0]): row[1] for row in types}
    for name, wanted in COLUMNS.items():
        if found.get(name) != wanted:
            raise RefusedError(
                f"the table products has {name} {found.get(name, '(missing)')} where the shop needs {name} {wanted};"
                " change the column, or rename the table, and migrate again"
            )
    _refuse_required_columns()


def _refuse_required_columns() -> None:
    """Refuse further columns only if the shop cannot insert a row because of them."""
    required = _rows(
        "SELECT attname FROM pg_attribute"
        " WHERE attrelid = to_regclass('products') AND attnum > 0 AND NOT attisdropped"
        " AND attnotnull AND NOT atthasdef AND attidentity = '' AND attname NOT IN ('id', 'name', 'price')"
        " ORDER BY attnum"
    )
    if required:
        raise RefusedError(
            f"the table products has more columns that must not be empty ({_listed(required)});"
            " give them a default, or drop their NOT NULL, and migrate again"
        )


def _key_is_missing() -> bool:
    """Return whether the primary key is missing. Refuses another key, and duplicate ids."""
    columns = _rows(
        "SELECT attname FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)"
        " WHERE indrelid = to_regclass('products') AND indisprimary"
    )
    if columns:
        if _listed(columns) != "id":
            raise RefusedError(
                f"the primary key of products is ({_listed(columns)}) where the shop needs (id);"
                " change it, and migrate again"
            )
        return False
    repeated = _rows(
        "SELECT id FROM products WHERE id IS NOT NULL GROUP BY id HAVING count(*) > 1 ORDER BY id LIMIT :shown"
    )
    if repeated:
        raise RefusedError(
            f"products has no primary key, and several rows share an id (first: {_listed(repeated)});"
            " keep one of each, and migrate again"
        )
    return True


def _refuse_broken_rows() -> None:
    good = " AND ".join(f"({check})" for check in CHECKS.values())
    broken = f"FROM products WHERE ({good}) IS NOT TRUE"
    count = _value(f"SELECT count(*) {broken}")
    if count:
        first = _rows(f"SELECT id {broken} ORDER BY id LIMIT :shown")
        raise RefusedError(
            f"{count} row(s) of products are no products (id: {_listed(first)}): each needs an id from 1,"
            " a name of 1 to 100 characters and a price from 0; correct or delete them, and migrate again"
        )


def _rows(sql: str) -> list[Row]:
    """Return the rows of a query, which may contain `LIMIT :shown`."""
    values = {"shown": SHOWN} if ":shown" in sql else {}
    return [tuple(row) for row in op.get_bind().execute(sa.text(sql), values)]


def _value(sql: str) -> object:
    return op.get_bind().execute(sa.text(sql)).scalar()


def _listed(rows: list[Row]) -> str:
    return ", ".join("none" if row[0] is None else str(row[0]) for row in rows)
