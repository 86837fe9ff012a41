"""What pictures and films say of how they came about: IPTC's digital source type, as XMP.

The terms are IPTC's NewsCodes (https://cv.iptc.org/newscodes/digitalsourcetype/), the property
``Iptc4xmpExt:DigitalSourceType`` of the IPTC Photo Metadata Standard. A PNG carries the packet as its text
``XML:com.adobe.xmp``, an .mp4 in a box of its own (XMP Specification Part 3, 1.1.4 and 1.2.7).
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, Literal
from uuid import UUID
from xml.etree import ElementTree

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from core.documents import generator

DigitalSource = Literal["compositeSynthetic", "compositeWithTrainedAlgorithmicMedia"]
"""A photo that was warped, with parts that were rendered; the same, where a network painted in it."""

_VOCABULARY: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_IPTC: Final = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_PNG_TEXT: Final = "XML:com.adobe.xmp"
_MP4_BOX: Final = UUID("be7acfcb-97a9-42e8-9c71-999491e3afac").bytes
_HEADER: Final = 8  # bytes of a box before its content: size and type
_MOST: Final = 1 << 20  # bytes of a packet that is read

_PACKET: Final = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="{iptc}" xmlns:xmp="http://ns.adobe.com/xap/1.0/">
<Iptc4xmpExt:DigitalSourceType>{source}</Iptc4xmpExt:DigitalSourceType>
<xmp:CreatorTool>{tool}</xmp:CreatorTool>
</rdf:Description>
</rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""


def source_address(source: DigitalSource) -> str:
    """The term's URI."""
    return _VOCABULARY + source


def xmp_packet(source: DigitalSource) -> str:
    """An XMP packet that states the source."""
    return _PACKET.format(iptc=_IPTC, source=source_address(source), tool=generator())


def film_tags(source: DigitalSource) -> dict[str, str]:
    """Tags of an .mp4 that say the same to players that read no XMP."""
    return {"comment": f"Synthetic. Digital source type: {source_address(source)}"}


def png_with_source(picture: UInt8[ndarray, "height width channels"], source: DigitalSource) -> bytes:
    """A picture as a PNG that states its source.

    Args:
        picture: RGB or RGBA.
    """
    info = PngInfo()
    info.add_itxt(_PNG_TEXT, xmp_packet(source))
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(file, "PNG", pnginfo=info, compress_level=3)
    return file.getvalue()


def mark_film(path: Path, source: DigitalSource) -> None:
    """State the source in a finished .mp4: a box behind all others.

    Raises:
        OSError: the file cannot be written.
    """
    content = _MP4_BOX + xmp_packet(source).encode()
    with path.open("ab") as file:
        file.write(struct.pack(">I4s", _HEADER + len(content), b"uuid") + content)


def read_source(path: Path) -> str | None:
    """The URI of the digital source type that a PNG or .mp4 states; none where it states none."""
    packet = _packet_of(path)
    if packet is None:
        return None
    try:
        found = ElementTree.fromstring(packet.strip("\ufeff")).find(f".//{{{_IPTC}}}DigitalSourceType")
    except ElementTree.ParseError:
        return None
    return None if found is None else found.text


def _packet_of(path: Path) -> str | None:
    with path.open("rb") as file:
        if file.read(_HEADER).startswith(b"\x89PNG"):
            with Image.open(path) as image:
                return image.info.get(_PNG_TEXT)
        for kind, length in _boxes(file):
            if kind == b"uuid" and 16 < length < _MOST and file.read(16) == _MP4_BOX:
                return file.read(length - 16).decode(errors="replace")
    return None


def _boxes(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """(type, bytes of content) of each box of an .mp4; the file then stands at its content."""
    begin = 0
    while True:
        file.seek(begin)
        header = file.read(_HEADER)
        if len(header) < _HEADER:
            return
        size, kind = struct.unpack(">I4s", header)
        used = _HEADER
        if size == 1:  # a large box
            size, used = int.from_bytes(file.read(8), "big"), 16
        if size < used:  # 0: to the file's end
            return
        yield kind, size - used
        begin += size
