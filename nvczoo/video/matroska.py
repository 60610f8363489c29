"""How long a Matroska file says it is, since libav takes the loss of its end for the end."""

HEAD_BYTES = 256  # the EBML header of real files has some 40
_EBML = bytes.fromhex("1A45DFA3")
_SEGMENT = bytes.fromhex("18538067")


def stated_size(head: bytes) -> int | None:
    """Return the size in bytes of the Matroska or WebM file that begins with ``head``.

    None if it is no such file, or was made for a pipe, of unknown size. Source: RFC 8794, section 6.
    """
    header = _element(head, 0, _EBML)
    if header is None:
        return None
    segment = _element(head, sum(header), _SEGMENT)
    return None if segment is None else sum(segment)


def _element(head: bytes, start: int, identifier: bytes) -> tuple[int, int] | None:
    """Return where the content of the element at ``start`` begins and its size, or None."""
    at = start + len(identifier)
    if head[start:at] != identifier or at >= len(head) or head[at] == 0:
        return None
    width = 9 - head[at].bit_length()  # leading zeros tell the bytes of the number, a one ends them
    field = head[at : at + width]
    ones = (1 << 7 * width) - 1
    size = int.from_bytes(field) & ones
    if len(field) < width or size == ones:  # all ones is "unknown"
        return None
    return at + width, size
