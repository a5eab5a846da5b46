"""Runs one attempt of a job and outlives whoever started it: `python -I -S shim/__main__.py ATTEMPT_DIR`.

It is a program of its own, on the standard library alone, so that it starts in milliseconds and needs nothing from the
scheduler afterwards. All it says is said in files of the attempt's directory:

    launch.json   what to run (read)                  cancel      its presence asks for the end (read)
    stdin         what the command reads (read)       preempt     its presence asks to give way (read)
    started.json  who runs it: pid, start time, boot  log         all output, bounded
    exit.json     how it ended, written last          stdout      standard output alone, where launch.json asks for it
    shim.log      what went wrong with the shim       stopping    its presence says that the end has been asked for
    progress.jsonl   what the command says of itself

Secret environment variables come as a JSON object on the shim's standard input and are written nowhere.

The command leads a session of its own. The shim is a subreaper: a descendant whose parent ends becomes a child of the
shim, so `waitpid` failing with "no child" is the kernel's word that none is left, however often they forked or called
setsid. Only then is exit.json written.

When the shim itself is killed the kernel kills the command with it (PR_SET_PDEATHSIG). The command's descendants then
live on as orphans: the scheduler finds them by the command's session and by the variable SWITCHYARD_ATTEMPT in their
environment, and kills them and all below them (`leftovers.kill_leftovers`). Where a control group of the second version
may be made, the attempt has one of its own, which also knows those that left the session, dropped their environment and
lost their parent; elsewhere these are beyond that search.
"""
