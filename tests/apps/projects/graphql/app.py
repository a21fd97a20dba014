"""A GraphQL endpoint: one route that takes JSON or GraphQL itself, and a page for people."""

from typing import Any

from chalice.app import Chalice, Response
from graphql import build_schema, graphql_sync

SCHEMA = build_schema(
    """
    type Query { product(id: Int!): Product, caller: String }
    type Mutation { rename(id: Int!, name: String!): Product }
    type Product { id: Int!, name: String! }
    """
)
NAMES = {1: "TV", 2: "R\u00e1dio"}

app = Chalice(app_name="graphql")


class Root:
    """Resolves the fields of both root types."""

    def product(self, info: Any, id: int) -> dict[str, Any] | None:
        return {"id": id, "name": NAMES[id]} if id in NAMES else None

    def rename(self, info: Any, id: int, name: str) -> dict[str, Any]:
        return {"id": id, "name": name}

    def caller(self, info: Any) -> str:
        """Return what the context of the execution says: the handler hands the request on."""
        agent: str = info.context.headers["user-agent"]
        return agent


@app.route("/graphql", methods=["POST"], content_types=["application/json", "application/graphql"], cors=True)
def execute() -> Response:
    """Run a query; its errors are in the body, and the status is 200 unless nothing could be run."""
    request = app.current_request
    if request.headers["content-type"].startswith("application/json"):
        asked = request.json_body
    else:
        asked = {"query": request.raw_body.decode()}
    result = graphql_sync(
        SCHEMA,
        asked["query"],
        root_value=Root(),
        context_value=request,
        variable_values=asked.get("variables"),
        operation_name=asked.get("operationName"),
    )
    return Response(result.formatted, status_code=400 if result.data is None else 200)


@app.route("/graphql", methods=["GET"], cors=True)
def page() -> Response:
    """Return the page that people see."""
    return Response("<title>GraphQL</title>", headers={"Content-Type": "text/html"})
