"""Methods head to head: one table, one figure."""
