"""What happens once, before the first request: read the settings, import the app, say what is served.

The commands use all of it; nothing here is for use from outside.
"""
