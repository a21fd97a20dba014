"""A package that is on no index."""


def greet(name: str) -> str:
    return f"hello {name}"
