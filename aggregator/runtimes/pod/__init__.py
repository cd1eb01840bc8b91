"""What every runtime of pods shares: the order in which containers run, readiness probes, how an attempt is judged."""
