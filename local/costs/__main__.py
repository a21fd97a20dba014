"""`python -m local.costs PLAN.json...`: the costs of plans from `terraform show -json`.

`make costs` does it for the examples. After the bills it prints the costs of traffic, and all prices.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from local.costs.bill import bill, free, price_list
from local.costs.plan import read_plan
from local.costs.prices import CostError, Prices
from local.costs.traffic import traffic

REGIONS = ("eu-west-1", "us-east-1")


def main(arguments: Sequence[str]) -> int:
    """Print the bills; return 1 if one cannot be computed."""
    try:
        regions = [Prices(region) for region in REGIONS]
        for argument in arguments:
            plan = read_plan(Path(argument))
            print(bill(plan, regions), free(plan), sep="\n\n", end="\n\n")
        print(traffic(regions[0]), price_list(regions), sep="\n\n")
    except CostError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
