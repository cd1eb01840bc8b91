"""Journals: where the events of runs are kept, and the state folder around them."""
