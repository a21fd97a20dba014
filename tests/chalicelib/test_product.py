"""A product has one JSON form, which keeps its price exactly."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.product import MAX_ID, MAX_PRICE, Product, price_text
from chalicelib.web.entity_tags import etag_of
from chalicelib.web.product_body import parse_product

names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=100)
prices = st.integers(0, int(MAX_PRICE * 100)).map(lambda cents: Decimal(cents) / 100)
products = st.builds(Product, st.integers(1, MAX_ID), names, prices)


@pytest.mark.parametrize(
    ("price", "text"),
    [
        ("140", "140"),
        ("140.00", "140"),
        ("19.99", "19.99"),
        ("19.90", "19.9"),
        ("0", "0"),
        ("-0.00", "0"),
        ("1E+2", "100"),
        ("99999999.99", "99999999.99"),
    ],
)
def test_a_price_is_written_as_the_shortest_exact_number(price: str, text: str) -> None:
    assert price_text(Decimal(price)) == text


@given(products)
def test_a_products_json_parses_to_the_same_product(product: Product) -> None:
    assert parse_product(product.to_json()) == product


@given(products)
def test_a_standard_json_parser_reads_the_same_values(product: Product) -> None:
    read = json.loads(product.to_json(), parse_float=Decimal, parse_int=Decimal)
    assert read == {"id": product.id, "name": product.name, "price": product.price}


@given(products, products)
def test_entity_tags_are_equal_if_and_only_if_the_products_are(one: Product, other: Product) -> None:
    assert (etag_of(one.to_json()) == etag_of(other.to_json())) == (one == other)
