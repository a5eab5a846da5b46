"""The task store: the protocol's tasks, ideas, variants, submissions, artifacts and events of every experiment.

`rules` decide and touch nothing. `operations` load, decide, save and tell, in the transaction they are handed.
`rows` finds and numbers rows, `records` turns them into wire records; `artifact_files` and `uploads` are the doors to
the disk and to multipart bodies.
"""
