"""Test clients that send the same request to an app in every runtime."""
