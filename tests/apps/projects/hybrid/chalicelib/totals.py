"""What both halves share."""


def total(prices):
    """Add the prices of an order."""
    return sum(prices)
