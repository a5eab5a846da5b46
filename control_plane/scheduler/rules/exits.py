"""What the last words of a command tell of its end."""

import re

#: What libraries print when a GPU, or the machine, gives them no more memory.
COMPLAINTS = (
    r"CUDA out of memory",
    r"CUDA error: out of memory",
    r"cudaErrorMemoryAllocation",
    r"CUDA_ERROR_OUT_OF_MEMORY",
    r"CUBLAS_STATUS_ALLOC_FAILED",
    r"torch(\.cuda)?\.OutOfMemoryError",
    r"cupy\.cuda\.memory\.OutOfMemoryError",
    r"HIP out of memory",
    r"RESOURCE_EXHAUSTED: Out of memory",
    r"OOM when allocating tensor",
    r"DefaultCPUAllocator: can't allocate memory",
    r"^MemoryError\b",
    r"_ArrayMemoryError: Unable to allocate",
    r"std::bad_alloc",
)
NO_MEMORY = re.compile("|".join(COMPLAINTS))
LAST_LINES = 60
LONGEST_DETAIL = 300


def memory_complaint(tail: str) -> str | None:
    """The last line at the end of a log that complains of no memory; it counts only for a command that failed."""
    lines = tail.splitlines()[-LAST_LINES:]
    said = next((line.strip() for line in reversed(lines) if NO_MEMORY.search(line)), None)
    return said[:LONGEST_DETAIL] if said is not None else None
