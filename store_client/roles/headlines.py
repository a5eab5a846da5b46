"""The text of an idea that came with files: the first member of its bundle, stored as it is."""

import struct

LOCAL_FILE = struct.Struct("<4s5H3I2H")
SIZES_FOLLOW = 0x08


def headline(content: bytes) -> bytes:
    """The text that a file begins with: of a bundle its first member, of everything else all of it."""
    if not content.startswith(b"PK\x03\x04") or len(content) < LOCAL_FILE.size:
        return content
    _, _, flags, method, *_rest, size, name_length, extra_length = LOCAL_FILE.unpack_from(content)
    if method or flags & SIZES_FOLLOW:
        return content
    start = LOCAL_FILE.size + name_length + extra_length
    return content[start : start + size]
