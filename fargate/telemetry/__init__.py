"""What can be seen of a server from outside: a log line, metrics, and a trace segment for each request."""
