"""Our reading calls on a peer: a server that speaks the protocol and knows nothing of `/api`.

Nobody calls this package. A client asks what it always asks (`store.list_task_page(…)`, `store.read_log(…)`); when
`GET /api` has shown that the server is a peer (`Transport.is_peer`, also `await client.is_peer()`), the answer to a
call under `/api` is made here of calls under `/v0`, in the same records:

    tasks, ideas, variants    details and pages with their filters, order and keyset paging
    experiment                summary, detail and progress; what only its config says, from `Transport(configs=…)`
    events                    read_log and its waiting, with the protocol's cursor for a position
    workers, groups           details, reads and edits (the edits need the admin bearer there)
    claims                    renew: whether it is still held; release: a reclaim by an operator
    artifacts                 read: as the depositor or a member of `admins`, which is all the protocol grants

What the protocol has no means for (jobs, slots, automation, pausing, sessions, exchange, git passwords) raises
NotOffered before anything is sent, so that a caller can hide it. `answers.ANSWERS` is the list of what there is.

The lists of the protocol are whole lists, so an experiment is read whole once and kept (`copy.Copy`); each further
question reads the events since the last one, as the caller, and then only what these have touched. Copies belong to
the transport, the least recently used give way, and those of all experiments together are bounded (`copies.Copies`).
"""
