"""What a library's source defines, read without importing it: importing some of them has effects."""

import ast
import functools
import importlib.util
from pathlib import Path

Parameters = tuple[str, ...]


@functools.cache
def definitions(owner: str) -> dict[str, Parameters | None]:
    """Return the names that `module` or `module:Class` defines; of a function, with its parameters without `self`."""
    module, _, cls = owner.partition(":")
    tree = ast.parse(file_of(module).read_text(encoding="utf-8"))
    if not cls:
        return dict(found for node in ast.walk(tree) for found in defined_by(node))
    (body,) = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == cls]
    return dict(found for node in ast.walk(body) for found in defined_by(node))


def file_of(module: str) -> Path:
    package, *parts = module.split(".")
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).parent.joinpath(*parts)
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def defined_by(node: ast.AST) -> list[tuple[str, Parameters | None]]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        arguments = [each.arg for each in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
        return [(node.name, tuple(name for name in arguments if name != "self"))]
    if isinstance(node, ast.ClassDef):
        return [(node.name, None)]
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "setattr" and isinstance(node.args[1], ast.Constant):
        return [(str(node.args[1].value), None)]
    if isinstance(node, ast.Assign):
        return [(name, None) for target in node.targets for name in assigned(target)]
    if isinstance(node, ast.AnnAssign):
        return [(name, None) for name in assigned(node.target)]
    return []


def assigned(target: ast.AST) -> list[str]:
    """Return the names and the attributes that an assignment's target stores."""
    stored = [node for node in ast.walk(target) if isinstance(getattr(node, "ctx", None), ast.Store)]
    names = [node.id for node in stored if isinstance(node, ast.Name)]
    return names + [node.attr for node in stored if isinstance(node, ast.Attribute)]
