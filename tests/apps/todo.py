"""A todo list in memory, as in Chalice's tutorial."""

from uuid import uuid4

from chalice import BadRequestError, Chalice, NotFoundError, Response

app = Chalice(app_name="todo")
STATES = ("unstarted", "started", "completed")
todos = {}


@app.route("/todos")
def list_todos():
    """Return the todos in a state, or all."""
    state = (app.current_request.query_params or {}).get("state")
    return [todo for todo in todos.values() if state in (None, todo["state"])]


@app.route("/todos", methods=["POST"])
def add_todo():
    """Add a todo."""
    body = app.current_request.json_body
    if not isinstance(body, dict) or not body.get("description"):
        raise BadRequestError("description is missing")
    todo = {"uid": str(uuid4()), "description": body["description"], "state": "unstarted"}
    todos[todo["uid"]] = todo
    return Response(todo, {"Location": f"/todos/{todo['uid']}"}, 201)


@app.route("/todos/{uid}")
def get_todo(uid):
    """Return a todo."""
    if uid not in todos:
        raise NotFoundError(f"no todo {uid}")
    return todos[uid]


@app.route("/todos/{uid}", methods=["PUT"])
def update_todo(uid):
    """Change a todo's state."""
    state = app.current_request.json_body["state"]
    if state not in STATES:
        raise BadRequestError(f"state must be one of {', '.join(STATES)}")
    get_todo(uid)["state"] = state
    return todos[uid]


@app.route("/todos/{uid}", methods=["DELETE"])
def delete_todo(uid):
    """Remove a todo."""
    del todos[get_todo(uid)["uid"]]
    return Response("", {}, 204)
