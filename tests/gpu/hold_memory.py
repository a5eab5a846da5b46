"""Holds memory of the GPU that it may see until it is ended, by nothing but the CUDA driver.

    python hold_memory.py BYTES

Prints the UUIDs of all GPUs that it sees, and `holds` once it has the memory; without enough it fails as libraries do.
"""

import ctypes
import json
import sys
import time
import uuid

OUT_OF_MEMORY = 2


def main(wanted: int) -> None:
    cuda = ctypes.CDLL("libcuda.so.1")
    check(cuda.cuInit(0), "cuInit")
    count = ctypes.c_int()
    check(cuda.cuDeviceGetCount(ctypes.byref(count)), "cuDeviceGetCount")
    say(json.dumps([name_of(cuda, number) for number in range(count.value)]))
    context, memory = ctypes.c_void_p(), ctypes.c_uint64()
    check(cuda.cuCtxCreate_v2(ctypes.byref(context), 0, 0), "cuCtxCreate")
    check(cuda.cuMemAlloc_v2(ctypes.byref(memory), ctypes.c_size_t(wanted)), "cuMemAlloc")
    say("holds")
    time.sleep(600)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def name_of(cuda: ctypes.CDLL, number: int) -> str:
    """The UUID of a GPU as tools write it."""
    raw = (ctypes.c_ubyte * 16)()
    check(cuda.cuDeviceGetUuid(ctypes.byref(raw), number), "cuDeviceGetUuid")
    return f"GPU-{uuid.UUID(bytes=bytes(raw))}"


def check(result: int, what: str) -> None:
    if result == OUT_OF_MEMORY:
        sys.exit(f"{what}: CUDA_ERROR_OUT_OF_MEMORY")
    if result:
        sys.exit(f"{what} failed with {result}")


if __name__ == "__main__":
    main(int(sys.argv[1]))
