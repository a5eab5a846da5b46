"""How a role's work becomes a job, and how the job's end becomes a result.

`orders` writes what the experiment's command reads (`.eden/*.json`, standard input), `outcomes` reads what it wrote,
`history` tells an ideator what has been tried. Worker hosts and the desks' "run on the queue" share them.
"""
