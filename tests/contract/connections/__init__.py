"""What servers do with connections and malformed bytes."""
