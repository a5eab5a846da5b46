"""The `switchyard` command: one file a noun, each loaded when it is first used.

Exit statuses: 0 done, 1 refused or failed, 2 wrong use of the command, 3 no answer from the server.
"""

from store_client.cli.door import Door

main = Door(
    name="switchyard",
    rooms={
        "up": "store_client.cli.up:up",
        "serve": "store_client.cli.parts:serve",
        "web": "store_client.cli.web:web",
        "orchestrate": "store_client.cli.parts:orchestrate",
        "schedule": "store_client.cli.parts:schedule",
        "work": "store_client.cli.work:work",
        "signin": "store_client.cli.signin:signin",
        "operator": "store_client.cli.operator:operator",
        "experiment": "store_client.cli.experiment:experiment",
        "task": "store_client.cli.task:task",
        "job": "store_client.cli.job:job",
        "gpu": "store_client.cli.gpu:gpu",
        "lease": "store_client.cli.lease:lease",
        "worker": "store_client.cli.worker:worker",
        "git-credential": "store_client.cli.git_credential:git_credential",
    },
    help="Run many directed-evolution and machine-learning experiments on shared GPUs.",
    epilog="Exit status: 0 done, 1 refused or failed, 2 wrong use, 3 no answer from the server.",
)
"""What the console script calls."""
