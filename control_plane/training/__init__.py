"""Training specs, as ARC writes them: stored under their own ids, run as jobs of the one queue, and read back."""
