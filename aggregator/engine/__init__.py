"""The sans-IO engine: events in, commands and changes out."""
