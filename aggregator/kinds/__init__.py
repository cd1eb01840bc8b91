"""One file per template key; this table is the list of them."""
