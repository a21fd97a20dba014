"""Requests and responses of the shop: bodies, conditions, errors, health, the OpenAPI document, the start on Lambda.

app.py uses every module here; no other room does.
"""
