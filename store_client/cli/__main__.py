"""`python -m store_client.cli`: the same as `switchyard`."""

from store_client.cli import main

main(prog_name="switchyard")
