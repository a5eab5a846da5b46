"""Views of lists that people keep: each a name for what a list is narrowed to."""
