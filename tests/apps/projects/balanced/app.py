"""An app that builds URLs of itself and knows its clients' addresses, as behind API Gateway."""

from chalice.app import Chalice, Response

app = Chalice(app_name="balanced")


@app.route("/old")
def old() -> Response:
    """Redirect to where the client sees this app."""
    headers = app.current_request.headers
    url = f"{headers['x-forwarded-proto']}://shop.example:{headers['x-forwarded-port']}/new"
    return Response(
        body=app.current_request.context["identity"]["sourceIp"], status_code=308, headers={"Location": url}
    )
