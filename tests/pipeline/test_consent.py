"""Records of consent: kept for this user alone, named by a swap or an animation, and stated in the label."""

import json
import stat
from pathlib import Path

import pytest
from conftest import Mien
from faces import HOPPER, ROOT, collins, hopper, kit

from mien import InputError, RequestError, verbs
from mien.paths import data_folder
from mien.pipeline.consent import FILE, check_consent, stated
from mien.types import Identity

COLLINS = ROOT / "docs" / "collins.jpg"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))


def test_a_record_is_kept_listed_and_revoked(mien: Mien):
    assert "no record is kept" in mien("consent", "list").err
    ran = mien("consent", "add", "Grace", "--note", "by mail", "--picture", HOPPER, "--until", "2099-12-31")
    assert ran.code == 0 and "Grace: by mail (record " in ran.err
    path = data_folder() / FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (told,) = json.loads(mien("consent", "list", "--json").out)
    assert told["holds"] and told["vector"] is True and told["until"] == "2099-12-31"
    assert mien("consent", "add", "Grace", "--note", "again").code == 2
    assert mien("consent", "revoke", told["id"]).code == 0
    ran = mien("swap", HOPPER, "--source", COLLINS, "--consent", "Grace", "-o", path.parent / "out.jpg")
    assert ran.code == 2 and "was revoked on" in ran.err and ran.err.count("\n") == 1
    ran = mien("swap", HOPPER, "--source", COLLINS, "--consent", "grace ", "-o", path.parent / "out.jpg")
    assert ran.code == 2 and "was revoked on" in ran.err, "however it is written"
    assert mien("consent", "revoke", "Grace").code == 2
    assert mien("consent", "add", "Grace", "--note", "again").code == 0


def test_the_label_states_the_record_and_warns_of_another_face():
    record = verbs.add_consent("Grace", "by mail", picture=hopper(), kit=kit())
    face = collins()[1]

    def hers() -> list[Identity]:
        return [verbs.identity(hopper(), verbs.find(hopper(), kit=kit())[0], kit=kit())]

    def another() -> list[Identity]:
        return [verbs.identity(collins()[0], face, kit=kit())]

    assert stated("Grace", kit(), hers) == (record.words, ())
    said, (warning,) = stated(record.id, kit(), another)
    assert said == record.words and record.id in warning and "Grace" in warning
    assert stated("both agreed", kit(), another) == ("both agreed", ())
    assert "no record of consent is called Gracie" in stated("Gracie", kit(), another)[1][0]


def test_an_animation_names_it():
    record = verbs.add_consent("Her estate", "by contract 12")
    made = verbs.animate(hopper(), "wink", consent="Her estate", kit=kit())
    assert made.step.consent == record.words and record.id in made.step.consent


def test_what_is_refused():
    for note, until in (("", ""), ("x", "soon"), ("x", "2001-01-01")):
        with pytest.raises(RequestError):
            verbs.add_consent("Ann", note, until=until)
    with pytest.raises(RequestError, match="needs consent"):
        check_consent(" ", "a swap")
    path = data_folder() / FILE
    path.parent.mkdir(exist_ok=True)
    for text in ('[{"name": 1}]', "[1]", '"x"'):
        path.write_text(text)
        with pytest.raises(InputError, match="damaged"):
            verbs.consents()
