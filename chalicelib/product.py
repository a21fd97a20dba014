"""The product: its fields, their bounds, and its JSON form. Independent of HTTP, SQL and Redis.

Each `Product` is valid: `chalicelib.web.product_body` checks a request's fields before it makes one.
"""

import json
from dataclasses import dataclass
from decimal import Decimal

MIN_ID = 1
MAX_ID = 2_147_483_647
MAX_NAME_CHARACTERS = 100
MAX_PRICE = Decimal("99999999.99")
PRICE_DECIMALS = 2


@dataclass(frozen=True, slots=True)
class Product:
    """One product of the shop; `price` is in the shop's currency, exact, with at most two decimals."""

    id: int
    name: str
    price: Decimal

    def to_json(self) -> bytes:
        """Return the UTF-8 JSON that clients receive and the cache stores."""
        name = json.dumps(self.name, ensure_ascii=False)
        return f'{{"id":{self.id},"name":{name},"price":{price_text(self.price)}}}'.encode()


def price_text(price: Decimal) -> str:
    """Return a price as the shortest exact JSON number: `140.00` as `140`, `19.90` as `19.9`, `-0` as `0`."""
    text = f"{price:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
