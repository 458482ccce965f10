"""What a file says of itself in plain metadata beside its signed label, for readers that know no C2PA: IPTC's digital
source type, and the `AIGC` mark that GB 45438-2025 (annex E) wants in China.

    xmp(packet, history)    the XMP packet of a photo with both
    aigc()                  the mark's JSON, as clips carry it
    declared(data)          the mark in a file, whoever wrote it
"""

from __future__ import annotations

import html
import json
import mmap
import re
import uuid
from typing import Any

from .._version import __version__
from ..types import Step
from . import xmp_packet

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/"
IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
TC260 = "http://www.tc260.org.cn/ns/AIGC/1.0/"
AIGC = "AIGC"
PASSED_ON = "ReservedCode1", "ContentPropagator", "PropagateID", "ReservedCode2"
PRODUCER = "mien"
OURS = re.compile(rb"ContentProducer[^A-Za-z]{1,16}mien\b")
SPAN = 4096  # bytes that a mark may be long
HEAD = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
)
RDF = rb"xmlns:rdf\s*=\s*[\"']"  # of a packet that can be added to
TAIL = b'</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'


def xmp(packet: bytes | None, history: tuple[Step, ...]) -> bytes:
    """The XMP `packet` of the input, or a new one, with the properties that say what `history` did. The `AIGC` mark
    of another producer stays as it is, where it can be read."""
    properties = {
        "DigitalSourceType": SOURCE_TYPE + history[-1].source_type,
        "AISystemUsed": PRODUCER,
        "AISystemVersionUsed": __version__,
    }
    body = "".join(f"<Iptc4xmpExt:{name}>{value}</Iptc4xmpExt:{name}>" for name, value in properties.items())
    said = f'<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="{IPTC}">{body}</rdf:Description>'
    mark = html.escape(aigc(), quote=False)
    mark = f'<rdf:Description rdf:about="" xmlns:TC260="{TC260}"><TC260:AIGC>{mark}</TC260:AIGC></rdf:Description>'
    if not packet or b"</rdf:RDF>" not in packet or not re.search(RDF, packet):
        return HEAD + said.encode() + mark.encode() + TAIL
    names = "|".join(properties).encode()
    packet = re.sub(rb'\s+Iptc4xmpExt:(?:%s)=("[^"]*"|\'[^\']*\')' % names, b"", packet)
    packet = re.sub(
        rb"<Iptc4xmpExt:(%s)\b[^>]*(?:/>|>.*?</Iptc4xmpExt:\1>)" % names, b"", packet, flags=re.DOTALL
    )
    if not declared(packet) or OURS.search(packet):
        packet = xmp_packet.without(packet, TC260.encode(), AIGC.encode())
        said += mark
    return packet.replace(b"</rdf:RDF>", said.encode() + b"</rdf:RDF>", 1)


def aigc() -> str:
    """The mark's seven keys as JSON: that this was made by AI, by what, and an id that nothing else has. Those of who
    passes it on are theirs to fill in."""
    made = {"Label": "1", "ContentProducer": PRODUCER, "ProduceID": uuid.uuid4().hex}
    return json.dumps(made | dict.fromkeys(PASSED_ON, ""))


def is_anothers(mark: str) -> bool:
    """Whether a mark's JSON can be read and names another producer than mien."""
    data = mark.encode("utf-8", "replace")
    return bool(declared(AIGC.encode() + data)) and not OURS.search(data)


def declared(data: bytes | mmap.mmap) -> dict[str, str]:
    """The `AIGC` mark that a file's metadata holds, whoever wrote it; empty where there is none."""
    if data.find(AIGC.encode()) < 0:
        return {}
    for found in re.finditer(rb"(?:\"|&quot;|&#34;)Label(?:\"|&quot;|&#34;)", data):
        start = data.rfind(b"{", max(found.start() - SPAN, 0), found.start())
        if start < 0:
            continue
        text = html.unescape(data[start : start + SPAN].decode("utf-8", "replace"))
        try:
            mark: Any = json.JSONDecoder().raw_decode(text)[0]
        except ValueError:
            continue
        if isinstance(mark, dict) and "ContentProducer" in mark:
            return {str(name): str(value) for name, value in mark.items()}
    return {}
