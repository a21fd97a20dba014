"""The books: create, read, replace, remove."""

from chalice import BadRequestError, Blueprint, ConflictError, NotFoundError, Response

books = Blueprint(__name__)
shelf: dict[str, dict] = {}


@books.route("/", methods=["GET", "POST"], cors=True)
def many():
    """List the books, or add one."""
    request = books.current_request
    if request.method == "GET":
        author = (request.query_params or {}).get("author")
        return [book for book in shelf.values() if author in (None, book["author"])]
    book = request.json_body
    if not isinstance(book, dict) or not {"isbn", "author"} <= set(book):
        raise BadRequestError("isbn and author are needed")
    if book["isbn"] in shelf:
        raise ConflictError(f"{book['isbn']} is there")
    shelf[book["isbn"]] = book
    return Response(book, {"Location": f"/books/{book['isbn']}"}, 201)


@books.route("/{isbn}", methods=["GET", "PUT", "DELETE"], cors=True)
def one(isbn):
    """Read, replace or remove a book."""
    request = books.current_request
    if isbn not in shelf:
        raise NotFoundError(f"no book {isbn}")
    if request.method == "DELETE":
        del shelf[isbn]
        return Response(body=None, status_code=204)
    if request.method == "PUT":
        shelf[isbn] = {**request.json_body, "isbn": isbn}
    return shelf[isbn]
