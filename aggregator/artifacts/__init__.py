"""Artifact drivers, named by their YAML key; imported on use."""
