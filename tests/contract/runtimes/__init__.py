"""Whole apps, which respond alike in every runtime."""
