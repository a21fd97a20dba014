"""The public names of `fargate.threads.waiting`, for handlers that wait: `sleep` and `lent_permit`."""

from fargate.threads.waiting import lent_permit, sleep

lent_place = lent_permit  # the old name

__all__ = ["lent_permit", "lent_place", "sleep"]
