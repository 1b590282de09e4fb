"""Import torch, or say how to install it."""

from murid.data.errors import require

require("torch", "nets")

import torch as torch  # noqa: E402


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on whatever device."""
    text = str(error).lower()
    return (
        isinstance(error, (torch.cuda.OutOfMemoryError, MemoryError))
        or "out of memory" in text
        or "allocate memory" in text
    )
