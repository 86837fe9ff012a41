"""Content Credentials (C2PA) of what Semblance makes, signed with the user's own certificate.

Off unless the user names a certificate. The package ``c2pa-python`` (extra ``credentials``) does the work; it
is imported where it is used.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from core.digital_source import DigitalSource, source_address
from core.documents import generator
from core.errors import BadInput, DependencyMissing

CERTIFICATE: Final = "SEMBLANCE_CERTIFICATE"
PRIVATE_KEY: Final = "SEMBLANCE_PRIVATE_KEY"
_CURVES: Final = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}


@dataclass(frozen=True)
class Credentials:
    """A certificate that signs.

    Attributes:
        chain: certificates in PEM, the signer's first.
        key: its private key, PEM.
        algorithm: C2PA's name of how the key signs.
    """

    chain: bytes
    key: bytes
    algorithm: str

    def sign(self, path: Path, media_type: str, source: DigitalSource) -> None:
        """Sign a file in its place.

        Raises:
            BadInput: the certificate cannot sign.
            OSError: the file cannot be written.
        """
        beside = path.with_name(f"{path.name}.signed")
        with path.open("rb") as content, beside.open("w+b") as signed:
            self._sign(content, signed, media_type, source)
        beside.replace(path)

    def signed(self, content: bytes, media_type: str, source: DigitalSource) -> bytes:
        """The bytes of a file, signed.

        Raises:
            BadInput: the certificate cannot sign.
        """
        signed = io.BytesIO()
        self._sign(io.BytesIO(content), signed, media_type, source)
        return signed.getvalue()

    def _sign(self, content: io.IOBase, signed: io.IOBase, media_type: str, source: DigitalSource) -> None:
        import c2pa

        how = self.algorithm.encode()
        info = c2pa.C2paSignerInfo(alg=how, sign_cert=self.chain, private_key=self.key, ta_url=None)
        try:
            with (
                c2pa.Signer.from_info(info) as signer,
                c2pa.Builder(_manifest(media_type, source)) as builder,
            ):
                builder.sign(signer, media_type, content, signed)
        except c2pa.C2paError as error:
            raise BadInput(
                f"The certificate of ${CERTIFICATE} cannot sign ({error}).",
                "It needs to be one for Content Credentials, with its chain, and the key to be its own.",
            ) from error


def configured_credentials(environment: Mapping[str, str] = os.environ) -> Credentials | None:
    """What the user configured; none where they configured nothing.

    Raises:
        BadInput: only one of the two files is named, or one cannot be read.
        DependencyMissing: the package that signs is not installed.
    """
    named = {name: environment.get(name, "") for name in (CERTIFICATE, PRIVATE_KEY)}
    if not any(named.values()):
        return None
    for name, path in named.items():
        if not path:
            raise BadInput(f"${name} names no file.", f"Set both ${CERTIFICATE} and ${PRIVATE_KEY}, or none.")
    chain, key = (_content(name, Path(path)) for name, path in named.items())
    try:
        import c2pa  # noqa: F401
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError as error:
        raise DependencyMissing(
            f"${CERTIFICATE} is set, but nothing can be signed: the package {error.name} is not installed.",
            'Install it with pip install "semblance[credentials]", or unset the variable.',
        ) from error
    try:
        return Credentials(chain, key, _algorithm(load_pem_private_key(key, None)))
    except (ValueError, TypeError) as error:
        raise BadInput(
            f"The key of ${PRIVATE_KEY} cannot be used ({error}).",
            "It must be in PEM, without a password, of a kind that C2PA allows.",
        ) from error


def _content(name: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"${name}: {path} cannot be read ({error.strerror}).", "Check its path.") from error


def _algorithm(key: Any) -> str:
    """How a key signs (C2PA Technical Specification 2.1, 13.2.1).

    Raises:
        ValueError: C2PA does not allow it.
    """
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _CURVES:
        return _CURVES[key.curve.name]
    if isinstance(key, rsa.RSAPrivateKey):
        return "ps256"
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ed25519"
    raise ValueError("C2PA does not allow keys of this kind")


def _manifest(media_type: str, source: DigitalSource) -> dict[str, Any]:
    made = {"action": "c2pa.created", "digitalSourceType": source_address(source)}
    name, _, version = generator().partition(" ")
    return {
        "claim_generator_info": [{"name": name, "version": version}],
        "format": media_type,
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [made]}}],
    }
