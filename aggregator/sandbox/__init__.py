"""The embedded world for first runs and tests: a sample posts API, and AWS by moto's server."""
