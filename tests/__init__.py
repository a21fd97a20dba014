"""What the tests share, importable as `tests.…`; each folder is named for what its tests protect."""
