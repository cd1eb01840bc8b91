"""Observers: how a run is shown while it runs."""
