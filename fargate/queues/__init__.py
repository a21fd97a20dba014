"""Consumes queues for an app's handlers, as Lambda's pollers do: a message is deleted only after its handler succeeded.

Only `fargate.commands.poll` uses this room.
"""
