"""The route table, and what it leaves alone."""

import json

from chalice.app import Chalice, RouteEntry
from hypothesis import given, settings
from hypothesis import strategies as st

from fargate.gateway.routing import RouteTable
from fargate.settings import Settings
from fargate.wsgi import create_wsgi_app
from tests.contract.clients.resources import resource_of
from tests.fixtures.wsgi import call


def test_thousands_of_unknown_paths_add_nothing_to_the_apps_routes() -> None:
    app = Chalice("still")
    app.route("/{one}/two")(lambda one: one)
    wsgi_app = create_wsgi_app(app, Settings())
    for number in range(2000):
        assert call(wsgi_app, "GET", f"/{number}").status == 404
    assert list(app.routes) == ["/{one}/two"]


def test_routes_that_share_a_node_keep_the_names_of_their_parameters() -> None:
    app = Chalice("names")
    app.route("/{one}/a")(lambda one: {"one": one})
    app.route("/{other}/b")(lambda other: {"other": other})
    wsgi_app = create_wsgi_app(app, Settings())
    assert json.loads(call(wsgi_app, "GET", "/x/a").body) == {"one": "x"}
    assert json.loads(call(wsgi_app, "GET", "/x/b").body) == {"other": "x"}


def test_the_name_of_a_parameter_has_no_rank() -> None:
    app = Chalice("ranks")
    app.route("/{one}/{proxy+}")(lambda one: {"one": one})
    app.route("/{other}/a/{proxy+}")(lambda other: {"other": other})
    wsgi_app = create_wsgi_app(app, Settings())
    assert json.loads(call(wsgi_app, "GET", "/x/a/b").body) == {"other": "x"}
    assert json.loads(call(wsgi_app, "GET", "/x/b/b").body) == {"one": "x"}


segments = st.sampled_from(["a", "b", "c", "{p}", "{p}", "{q}"])
patterns = st.lists(
    st.builds(
        lambda head, proxy: "/" + "/".join([*head, *(["{proxy+}"] if proxy else [])]),
        st.lists(segments, max_size=3),
        st.booleans(),
    ).filter(lambda pattern: pattern.count("{p}") < 2 and pattern.count("{q}") < 2),
    min_size=1,
    max_size=8,
    unique_by=lambda pattern: pattern.replace("{q}", "{p}"),
)
paths = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=5).map(lambda parts: "/" + "/".join(parts))


@given(patterns, paths)
@settings(max_examples=100, deadline=None)
def test_any_table_routes_as_trying_every_route_does(table: list[str], path: str) -> None:
    """The reference: of all routes that match, the one with the most static segments from the left."""
    entries = {pattern: {"GET": RouteEntry(print, "view", pattern, "GET")} for pattern in table}
    match = RouteTable(entries).match(path)
    try:
        expected = resource_of(table, path)
    except LookupError:
        assert match is None
    else:
        assert match is not None
        assert (match.route.pattern, match.parameters) == expected
