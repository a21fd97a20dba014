"""What users of Chalice and of servers have reported, tried here; `docs/compatibility.md` is the table."""
