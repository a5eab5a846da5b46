"""What the last words of a command tell of its end."""

import pytest

from control_plane.scheduler.rules.exits import LAST_LINES, LONGEST_DETAIL, memory_complaint

COMPLAINTS = [
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of 79.11 GiB",
    "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 MiB",
    "RuntimeError: CUDA error: out of memory",
    "cuda runtime error: cudaErrorMemoryAllocation: out of memory",
    "numba.cuda.cudadrv.driver.CudaAPIError: [2] Call to cuMemAlloc results in CUDA_ERROR_OUT_OF_MEMORY",
    "RuntimeError: CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    "jaxlib.xla_extension.XlaRuntimeError: RESOURCE_EXHAUSTED: Out of memory while trying to allocate 9 bytes.",
    "tensorflow.python.framework.errors_impl.ResourceExhaustedError: OOM when allocating tensor with shape[9,9]",
    "cupy.cuda.memory.OutOfMemoryError: Out of memory allocating 8,000,000,000 bytes",
    "numpy._core._exceptions._ArrayMemoryError: Unable to allocate 8.00 TiB for an array with shape (9,)",
    "MemoryError",
    "terminate called after throwing an instance of 'std::bad_alloc'",
]


@pytest.mark.parametrize("line", COMPLAINTS, ids=lambda line: line[:30])
def test_a_complaint_of_no_memory_is_told_with_its_line(line: str) -> None:
    tail = f"epoch 1\nTraceback (most recent call last):\n  File 'train.py'\n{line}\n\n[rank0]: exiting\n"
    assert memory_complaint(tail) == line[:LONGEST_DETAIL]


@pytest.mark.parametrize(
    "tail",
    ["", "ValueError: no\n", "memory: 3 GiB\n", "class MyMemoryError: pass\n", "avoids CUDA OOM\n"],
)
def test_other_last_words_are_none(tail: str) -> None:
    assert memory_complaint(tail) is None


def test_a_complaint_long_before_the_end_was_survived() -> None:
    assert memory_complaint("CUDA out of memory\n" + "going on\n" * LAST_LINES) is None
