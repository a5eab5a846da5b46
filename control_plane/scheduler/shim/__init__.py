"""Runs one attempt of a job and outlives whoever started it: `python -I -S shim/__main__.py ATTEMPT_DIR`.

It is a program of its own, on the standard library alone, so that it starts in milliseconds and needs nothing from the
scheduler afterwards. All it says is said in files of the attempt's directory:

    launch.json   what to run (read)                  cancel      its presence asks for the end (read)
    stdin         what the command reads (read)       log         all output, bounded
    started.json  who runs it: pid, start time, boot  stdout      standard output alone, where launch.json asks for it
    exit.json     how it ended, written last          shim.log    what went wrong with the shim itself

Secret environment variables come as a JSON object on the shim's standard input and are written nowhere.

The command leads a session of its own. The shim is a subreaper: a descendant whose parent ends becomes a child of the
shim, so `waitpid` failing with "no child" is the kernel's word that none is left, however often they forked or called
setsid. Only then is exit.json written.

When the shim itself is killed the kernel kills the command with it (PR_SET_PDEATHSIG). The command's descendants then
live on as orphans: the scheduler finds them by the command's session and by the variable SWITCHYARD_ATTEMPT in their
environment, and kills them and all below them (`processes.kill_leftovers`). One that left the session, dropped its
environment and lost its parent is beyond that search.
"""
