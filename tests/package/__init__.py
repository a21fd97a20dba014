"""The package chalice-fargate as a stranger gets it: built, installed elsewhere, without this checkout."""
