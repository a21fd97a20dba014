"""WebSockets as API Gateway holds them: the connections of this task, their handlers and their limits.

From outside: `sockets` makes a server's connections, `client` and `relay` are what handlers send through, and
`management` lets others send.
"""
