"""What a plan of Terraform costs a month, by AWS' list prices in docs/prices.toml: `make costs`.

Every type of resource is either reckoned, or said to be free, or refused by a sentence: nothing is passed over.
"""
