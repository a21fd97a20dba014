"""Who may call a route: API keys, authorizers, Cognito user pools, and the policies that they return.

From outside: `authorizers` and `api_keys`.
"""
