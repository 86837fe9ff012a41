"""Signed Content Credentials, with a certificate made for the test and the reader of the same package."""

from __future__ import annotations

import datetime
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from core.credentials import CERTIFICATE, PRIVATE_KEY, configured_credentials
from core.digital_source import read_source, source_address
from core.errors import BadInput
from core.photo_to_reenactment import reenact
from tests.films import pictures_of
from tests.portraits import portrait_rig
from tests.tracks import make_track


def test_nothing_is_signed_unless_both_files_are_named(tmp_path: Path) -> None:
    assert configured_credentials({}) is None
    with pytest.raises(BadInput, match=PRIVATE_KEY):
        configured_credentials({CERTIFICATE: "chain.pem"})
    with pytest.raises(BadInput, match=r"absent\.pem cannot be read"):
        configured_credentials({CERTIFICATE: str(tmp_path / "absent.pem"), PRIVATE_KEY: "key.pem"})


def _certificate(folder: Path) -> dict[str, str]:
    """A chain of two certificates as C2PA wants them, and the key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    now = datetime.datetime.now(datetime.UTC)
    keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("root", "leaf")}
    names = {name: x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, name)]) for name in keys}

    def signed(name: str, is_root: bool) -> bytes:
        own, root = keys[name].public_key(), keys["root"]
        usage = x509.KeyUsage(True, False, False, False, False, is_root, is_root, False, False)
        builder = (
            x509.CertificateBuilder(names["root"], names[name], own, x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(is_root, None), True)
            .add_extension(usage, True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(own), False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root.public_key()), False)
        )
        if not is_root:
            purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
            builder = builder.add_extension(purpose, False)
        return builder.sign(root, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    (folder / "chain.pem").write_bytes(signed("leaf", False) + signed("root", True))
    kinds = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(keys["leaf"].private_bytes(*kinds))
    return {CERTIFICATE: str(folder / "chain.pem"), PRIVATE_KEY: str(folder / "key.pem")}


def _checked(c2pa: Any, path: Path) -> Any:
    """What a file's credentials say, if they hold."""
    with c2pa.Reader(str(path)) as reader:
        told = json.loads(reader.json())
    assert told["validation_state"] == "Valid"
    return told["manifests"][told["active_manifest"]]


def test_films_and_pictures_are_signed_and_play(tmp_path: Path) -> None:
    c2pa = pytest.importorskip("c2pa", reason="Content Credentials need pip install '.[credentials]'")
    credentials = configured_credentials(_certificate(tmp_path))
    rig, track, expected = portrait_rig(), make_track(3), source_address("compositeSynthetic")
    for name in ("a.mp4", "a.zip"):
        reenact(rig, track, tmp_path / name, credentials=credentials)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        archive.extract("000002.png", tmp_path)
    for name in ("a.mp4", "000002.png"):
        manifest = _checked(c2pa, tmp_path / name)
        (actions,) = (one["data"] for one in manifest["assertions"] if one["label"] == "c2pa.actions.v2")
        assert actions["actions"][0]["digitalSourceType"] == expected
        assert manifest["claim_generator_info"][0]["name"] == "Semblance"
        assert read_source(tmp_path / name) == expected
    assert len(pictures_of(tmp_path / "a.mp4")[0]) == 3


def test_a_key_that_is_not_the_certificates(tmp_path: Path) -> None:
    pytest.importorskip("c2pa", reason="Content Credentials need pip install '.[credentials]'")
    named = _certificate(tmp_path)
    (tmp_path / "key.pem").write_text("no key")
    with pytest.raises(BadInput, match="cannot be used"):
        configured_credentials(named)
