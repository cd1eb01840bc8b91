"""The driver: the one place with asyncio tasks; it makes happen what the engine decides."""
