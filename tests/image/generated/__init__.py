"""Images that `chalice-fargate dockerfile` describes."""
