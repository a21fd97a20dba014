"""Slow tests of the infrastructure: applied to an emulated AWS, read back, destroyed. `make test-infra` runs them."""
