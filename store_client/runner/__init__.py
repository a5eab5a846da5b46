"""Worker hosts: claim a task, do it as a job on the queue, submit its result.

`work` is one piece of work, step by step, each safe to repeat. `claims` takes claims and keeps them alive. `host` does
both for one role of one experiment, and goes on with what an earlier process of the same identity left claimed.
`automation` runs hosts for every automatic role of every running experiment; `listener` wakes a host that runs alone.
A host is an ordinary worker: it has a bearer and HTTP, and no other right.
"""
