"""The app's own code."""

from greetings import greet


def welcome(name: str) -> str:
    return greet(name).capitalize()
