"""Journals: where a run's events are committed before they are acted on."""
