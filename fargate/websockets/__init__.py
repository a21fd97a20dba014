"""WebSockets as API Gateway holds them: the connections of this task, their handlers and their limits.

From outside: `sockets`, which makes a server's connections, and `client`, through which handlers send.
"""
