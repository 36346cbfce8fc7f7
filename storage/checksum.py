"""CRC32C (Castagnoli), the one checksum of every file: https://www.rfc-editor.org/rfc/rfc3720#appendix-B.4.

google-crc32c uses the processor's instruction: about 15 GB/s here, so checking a column costs less than
reading it.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import google_crc32c
import numpy as np

BytesLike: TypeAlias = Any
"""bytes, memoryview, mmap, pyarrow.Buffer or a C-contiguous array: whatever exports a flat buffer."""


def crc32c(data: BytesLike, seed: int = 0) -> int:
    """Checksum of `data`, continuing from `seed` (the checksum of what came before)."""
    # The C extension refuses memoryviews; an array over the same bytes is accepted and copies nothing.
    if not len(data):
        return seed
    flat = data if isinstance(data, bytes) else np.frombuffer(data, dtype=np.uint8)
    return int(google_crc32c.extend(seed, flat))
