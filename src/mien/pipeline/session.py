"""One photo opened for many requests: its faces, crops, occlusion and parsing are computed once, and only
what a request changes anew."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Unpack

from ..arguments import shown
from ..edits.effect_pack import taken_pack
from ..edits.keys import share_at
from ..edits.registry import plan
from ..edits.request import EditRequest, Strengths, request_of
from ..errors import RequestError
from ..io import notice
from ..io.photo_reader import PhotoLike, as_photo
from ..models.kit import Kit, shared_kit
from ..models.parser import Parser
from ..types import Alignment, Array, Crop, Face, Photo
from .hair import taken_hair
from .keep import taken_keep
from .look import PhotoFaces
from .marking import worded
from .people import FaceLike, meant, select_faces
from .photo import Occlusion, Watch, edit_photo, find_occlusion

REMEMBERED = 8  # crops whose parsing is kept


class Session:
    """A photo and what is known of it. Not for several threads at once.

        session = mien.open("photo.jpg")
        session.edit(smile=0.5)
        session.edit(smile=0.8, age=20)      each of the photo itself, not of the edit before

    faces: as `find` gives them; `edit` and `apply` return new photos and leave the session as it is.
    """

    def __init__(self, photo: PhotoLike, *, faces: list[Face] | None = None, kit: Kit | None = None) -> None:
        """faces: where they are known already, in the order of `find`."""
        self.photo = as_photo(photo)
        own = kit or shared_kit()
        self.kit = own.having("parser", RememberingParser(own.parser))
        self._seen, self._known = PhotoFaces(self.photo, self.kit), faces
        self._crops: dict[tuple[int, Alignment], Crop] = {}
        self._occlusions: dict[int, Occlusion] = {}

    def __repr__(self) -> str:
        return f"<Session of {self.photo!r}>"

    @property
    def faces(self) -> list[Face]:
        """The photo's faces, from left to right."""
        return self._seen.faces if self._known is None else self._known

    def edit(
        self,
        *,
        face: FaceLike = "all",
        method: str | None = None,
        network: str | None = None,
        directions: dict[str, float] | None = None,
        consent: str = "",
        mark: str | None = None,
        keep: PhotoLike | None = None,
        **strengths: Unpack[Strengths],
    ) -> Photo:
        """The photo after one request; see `mien.edit` for what can be asked."""
        asked: dict[str, Any] = dict(strengths)
        which = meant(face, kit=self.kit)
        hair = taken_hair(asked.get("hairstyle"), consent, self.kit)
        return self.apply(
            request_of(
                asked,
                face=which,
                method=method,
                network=network,
                directions=directions,
                mark=mark,
                hair=hair,
                pack=taken_pack(asked.get("effect")),
                keep=taken_keep(keep),
            )
        )

    def apply(self, request: EditRequest, *, watch: Watch | None = None) -> Photo:
        """The photo after `request`, as a clip is at its start: itself where nothing was asked for; watch: who is told of each Change.
        Raises `RequestError` and `FaceError` as `mien.edit` does."""
        if not isinstance(request, EditRequest):  # pyright: ignore[reportUnnecessaryIsInstance] - it is anybody's
            raise RequestError(f"{shown(request)} came: an EditRequest was wanted")
        edits, words = plan(request, self.kit), notice.words_for(request.mark, "edit")
        chosen = select_faces(self.kit, self._seen.picture, self.faces, request.face)
        if not edits:
            return self.photo
        occlusions = {i: self._occlusion(i) for i in chosen}
        done = edit_photo(
            self.photo,
            edits,
            self.faces,
            chosen,
            request.arguments(),
            occlusions,
            align=self._align,
            look=self._seen.look,
            watch=watch,
            keep=request.keep,
            share=share_at(request.keys, 0),
            landmarker=self.kit.landmarker,
        )
        return worded(done, words, self.faces)

    def _occlusion(self, i: int) -> Occlusion:
        if i not in self._occlusions:
            pixels, face = self.photo.pixels, self.faces[i]
            self._occlusions[i] = find_occlusion(self.kit.parser, pixels, face, self._align)
        return self._occlusions[i]

    def _align(self, pixels: Array, face: Face, alignment: Alignment) -> Crop:
        """A face laid out, remembered while it is the photo's own."""
        if pixels is not self.photo.pixels:
            return self._seen.look.align(pixels, face, alignment)
        i = next(k for k, own in enumerate(self.faces) if own is face)
        if (i, alignment) not in self._crops:
            self._crops[i, alignment] = self._seen.aligned(face, alignment)
        return self._crops[i, alignment]


class RememberingParser(Parser):
    """A parser that parses the same pixels once, the last REMEMBERED of them."""

    def __init__(self, parser: Parser) -> None:
        self.net, self.alignment = parser.net, parser.alignment
        self._known: OrderedDict[tuple[int, int], dict[str, Array]] = OrderedDict()

    def parse(self, crop: Crop) -> dict[str, Array]:
        key = crop.size, hash(crop.pixels.tobytes())
        if key not in self._known:
            self._known[key] = super().parse(crop)
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return dict(self._known[key])
