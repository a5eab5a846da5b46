"""`switchyard task`: one act on every task that a filter chooses, what became of each, and taking it back."""

import click

from store_client.cli import task_acts, task_many

task = click.Group(
    "task",
    help="Act on many tasks of an experiment; FILTER is what the box above the list of tasks takes.",
    commands=[task_many.take_back, task_many.reassign, task_acts.acts, task_acts.undo],
)
"""The group as the door shows it."""
