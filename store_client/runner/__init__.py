"""Worker hosts: claim a task, run its role's command on the queue or on this machine, submit its result.

`work` is one piece of work, step by step, each safe to repeat. `claims` takes claims and keeps them alive. `host` does
both for one role of one experiment, and goes on with what an earlier process of the same identity left claimed.
`runs` is where commands run: on a server's queue, or, in `direct`, on this machine, in a `mirror` of the repository.
`automation` runs hosts for every automatic role of every running experiment; `listener` wakes a host that runs alone.
A host is an ordinary worker: it has a bearer and HTTP, and no other right.
"""
