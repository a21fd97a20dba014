"""The handlers of an app besides its routes: which there are, sample events for them, and one call as Lambda makes it.

From outside: every module but `answer`.
"""
