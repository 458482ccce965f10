"""The certificate of a server of this computer that others reach, where they have none of their own for it."""

from __future__ import annotations

import datetime
import hashlib
import os
from ipaddress import ip_address
from pathlib import Path

from ..paths import data_folder, unkept

YEAR = datetime.timedelta(days=397)  # longer ones are refused by some browsers
WEEK = datetime.timedelta(days=7)  # before its end a certificate is made anew


def server_certificate(host: str) -> tuple[Path, str]:
    """A certificate that nobody vouches for, for a server that is called `host`: a PEM file of it and its key, made at
    first use and kept for a year; and its SHA-256, as browsers show it."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    path = data_folder() / "server" / f"{hashlib.sha256(host.encode()).hexdigest()[:16]}.pem"
    now = datetime.datetime.now(datetime.UTC)
    try:
        if not path.is_file() or _end_of(path) - now < WEEK:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft = path.with_suffix(f".{os.getpid()}")
            with open(draft, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
                file.write(_made(host, now))
            draft.replace(path)
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except OSError as error:
        raise unkept("a certificate", error) from error
    return path, certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def _end_of(path: Path) -> datetime.datetime:
    from cryptography import x509

    return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc


def _made(host: str, now: datetime.datetime) -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mien (this computer)")])
    try:
        called: x509.GeneralName = x509.IPAddress(ip_address(host))
    except ValueError:
        called = x509.DNSName(host)
    builder = x509.CertificateBuilder(
        name,
        name,
        key.public_key(),
        x509.random_serial_number(),
        now - datetime.timedelta(days=1),  # clocks differ
        now + YEAR,
    )
    builder = builder.add_extension(x509.SubjectAlternativeName([called]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    pem = serialization.Encoding.PEM
    plain = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return builder.sign(key, hashes.SHA256()).public_bytes(pem) + plain
