"""Runtimes: how one attempt of a leaf is run; one file each, imported on use."""
