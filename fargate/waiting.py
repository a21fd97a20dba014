"""`fargate.waiting.sleep`: the public name of `fargate.threads.waiting.sleep`, for handlers that wait."""

from fargate.threads.waiting import lent_place, sleep

__all__ = ["lent_place", "sleep"]
