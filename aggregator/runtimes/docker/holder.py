"""The holder of a pod's network: a container that does nothing but exist, whose program is made here, byte by byte.

Kubernetes has an image for it, which has to be pulled first. Ours is the pod's own image with this program copied into it: a
static ELF file for Linux that waits for ever, so that nothing is asked of the image.
"""

from __future__ import annotations

import io
import struct
import tarfile

PROGRAM = "/.agg-pause"
_CODE = {
    # mov eax, 34 (pause); syscall; jmp back
    "amd64": (62, bytes.fromhex("b822000000 0f05 ebf7")),
    # mov x0..x3, 0; mov x8, 73 (ppoll); svc 0; b back
    "arm64": (
        183,
        struct.pack("<7I", 0xD2800000, 0xD2800001, 0xD2800002, 0xD2800003, 0xD2800928, 0xD4000001, 0x17FFFFFA),
    ),
}
_NAMES = {"x86_64": "amd64", "aarch64": "arm64"}
_BASE = 0x400000
_HEADS = 64 + 56
"""Bytes of the ELF header and the one program header."""


def known(architecture: str) -> bool:
    return _NAMES.get(architecture, architecture) in _CODE


def program(architecture: str) -> bytes:
    """The ELF file for an engine's architecture."""
    machine, code = _CODE[_NAMES.get(architecture, architecture)]
    size = _HEADS + len(code)
    head = struct.pack(
        "<16sHHIQQQIHHHHHH",
        b"\x7fELF\x02\x01\x01",
        2, machine, 1, _BASE + _HEADS, 64, 0, 0, 64, 56, 1, 0, 0, 0,
    )  # fmt: skip
    load = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x1000)
    return head + load + code


def archive(architecture: str) -> bytes:
    """A tar, to be unpacked in the container's root, that holds the program."""
    data = program(architecture)
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        entry = tarfile.TarInfo(PROGRAM.lstrip("/"))
        entry.size, entry.mode = len(data), 0o755
        tar.addfile(entry, io.BytesIO(data))
    return made.getvalue()
