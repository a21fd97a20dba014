"""Who may call a route: API keys, the app's authorizers, the IAM policies that they return, Cognito user pools.

From outside: `authorizers` and `api_keys`.
"""
