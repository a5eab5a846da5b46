"""Everything that can be found by its words, kept up by following the log."""
