"""Parses a request's body strictly: one JSON object, exact numbers, all errors in one response.

By default, Python's decoder accepts NaN, keeps the last of two equal keys, and turns 19.99 into a binary fraction.
"""

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn, TypeVar

from chalicelib.errors import BadRequestError
from chalicelib.product import MAX_ID, MAX_NAME_CHARACTERS, MAX_PRICE, MIN_ID, PRICE_DECIMALS, Product

Default = TypeVar("Default")

MAX_NUMBER_CHARACTERS = 100
MAX_QUOTED_CHARACTERS = 40


class _DuplicateKey(ValueError):
    """An object has the same key twice."""


def parse_product(body: bytes) -> Product:
    """Parse `{"id", "name", "price"}`.

    Raises:
        BadRequestError: the body is anything else. The message names every error.
    """
    fields = _Fields(_parse_object(body))
    product_id, name, price = fields.identifier(), fields.name(), fields.price()
    fields.finish()
    return Product(product_id, name, price)


def parse_details(product_id: int, body: bytes) -> Product:
    """Parse `{"name", "price"}`; the product's id comes from the path, and may be in the body too.

    Raises:
        BadRequestError: the body is anything else. The message names every error.
    """
    fields = _Fields(_parse_object(body))
    fields.same_identifier(product_id)
    name, price = fields.name(), fields.price()
    fields.finish()
    return Product(product_id, name, price)


def _parse_object(body: bytes) -> dict[str, Any]:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise BadRequestError("the body is not UTF-8") from None
    if not text.strip():
        raise BadRequestError("the body is empty")
    try:
        value = json.loads(
            text,
            parse_float=_number,
            parse_int=_number,
            parse_constant=_refuse_constant,
            object_pairs_hook=_unique,
        )
    except _DuplicateKey as error:
        raise BadRequestError(str(error)) from None
    except (ValueError, RecursionError):
        raise BadRequestError("the body is not JSON") from None
    if not isinstance(value, dict):
        raise BadRequestError("the body is not a JSON object")
    return value


def _number(text: str) -> Decimal:
    """Parse a number exactly. Very long or large ones are refused before they cost time."""
    if len(text) > MAX_NUMBER_CHARACTERS:
        raise ValueError("a number is too long")
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError("a number is too large") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        raise _DuplicateKey(f"{_quoted(next(name for name in names if names.count(name) > 1))} occurs twice")
    return members


def _quoted(name: str) -> str:
    """Return a name from the request for an error message: shortened, in ASCII."""
    return json.dumps(name if len(name) <= MAX_QUOTED_CHARACTERS else name[:MAX_QUOTED_CHARACTERS] + "...")


class _Fields:
    """Takes the members of an object one by one and collects their errors."""

    def __init__(self, members: Mapping[str, Any]) -> None:
        self._members = dict(members)
        self._errors: list[str] = []

    def identifier(self) -> int:
        value = self._take("id", Decimal, "a number")
        if value is None:
            return MIN_ID
        if value != value.to_integral_value() or not MIN_ID <= value <= MAX_ID:
            return self._error(f"id must be a whole number from {MIN_ID} to {MAX_ID}", MIN_ID)
        return int(value)

    def same_identifier(self, product_id: int) -> None:
        """Take an id that may be missing and must not be another one."""
        if "id" not in self._members:
            return
        errors_before = len(self._errors)
        value = self.identifier()
        if value != product_id and len(self._errors) == errors_before:
            self._error(f"id is {value} in the body and {product_id} in the path", None)

    def name(self) -> str:
        value: str | None = self._take("name", str, "a string")
        if value is None:
            return ""
        if not 1 <= len(value) <= MAX_NAME_CHARACTERS:
            self._error(f"name must have 1 to {MAX_NAME_CHARACTERS} characters, not {len(value)}", "")
        if "\0" in value:
            self._error("name must not contain the character U+0000", "")
        if any("\ud800" <= character <= "\udfff" for character in value):
            self._error("name must not contain half of a surrogate pair", "")
        return value

    def price(self) -> Decimal:
        value: Decimal | None = self._take("price", Decimal, "a number")
        if value is None:
            return Decimal(0)
        if not 0 <= value <= MAX_PRICE:
            return self._error(f"price must be a number from 0 to {MAX_PRICE}", Decimal(0))
        if value != (rounded := round(value, PRICE_DECIMALS)):
            return self._error(f"price must have at most {PRICE_DECIMALS} decimals", Decimal(0))
        return abs(rounded)

    def finish(self) -> None:
        """Raise BadRequestError if there were errors, or members that no method has taken."""
        self._errors.extend(f"{_quoted(name)} is not a known field" for name in self._members)
        if self._errors:
            raise BadRequestError(*self._errors)

    def _take(self, name: str, kind: type, description: str) -> Any:
        if name not in self._members:
            return self._error(f"{name} is missing", None)
        value = self._members.pop(name)
        if not isinstance(value, kind):
            return self._error(f"{name} must be {description}", None)
        return value

    def _error(self, text: str, default: Default) -> Default:
        self._errors.append(text)
        return default
