"""`switchyard job`: submit, look, ask why, read the log, wait, and change what waits and runs."""

import click

from store_client.cli import job_acts, job_lists, job_submit, job_watch

job = click.Group(
    "job",
    help="Work with the job queue; JOB is an id or a number.",
    commands=[
        job_submit.submit,
        job_submit.bulk,
        job_lists.list_,
        job_lists.queue,
        job_lists.show_,
        job_lists.explain,
        job_lists.metrics,
        job_watch.logs,
        job_watch.wait,
        job_acts.cancel,
        job_acts.retry,
        job_acts.priority,
        job_acts.move,
    ],
)
"""The group as the door shows it."""
