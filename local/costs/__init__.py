"""The monthly costs of a Terraform plan, by AWS' list prices in docs/prices.toml: `make costs`.

Every type of resource has a price or is listed as free. An unknown type is an error.
"""
