"""The certificate and key that labels are signed with: the user's own, or one made on this computer at first
use."""

from __future__ import annotations

import datetime
import os
import shutil
import tempfile
from pathlib import Path

from ..errors import RequestError
from ..paths import data_folder, setting, unkept
from . import outputs

# Of this computer's own certificate. Its clock is not asked: it may be wrong, and without a time stamp a label
# dies with its certificate.
VALID = datetime.datetime(2000, 1, 1), datetime.datetime(2099, 12, 31)


def credentials() -> tuple[str, bytes, bytes]:
    """(algorithm, certificate chain, private key) of the user, or of this computer. PEM; the key as PKCS 8,
    which is what c2pa reads."""
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    names = "MIEN_SIGN_CERT", "MIEN_SIGN_KEY"
    paths = [setting(name) for name in names]
    if any(paths) and not all(paths):
        raise RequestError(
            f"{names[0]} and {names[1]} go together, but only one of them is set: set both, or neither"
        )
    certificate, secret = [str(path) for path in paths] if all(paths) else map(str, _own())
    try:
        chain = x509.load_pem_x509_certificates(read_pem(certificate, names[0]))
        key = serialization.load_pem_private_key(read_pem(secret, names[1]), None)
    except (ValueError, TypeError) as error:
        raise RequestError(
            f"{certificate} and {secret} are not a PEM certificate chain and an unlocked PEM key ({error}): {remedy()}"
        ) from error
    if key.public_key() != chain[0].public_key():
        raise RequestError(
            f"the key {secret} does not belong to the first certificate of {certificate}: put the signer's own certificate first"
        )
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in CURVES:
        algorithm = CURVES[key.curve.name]
    elif isinstance(key, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey):
        algorithm = "ps256" if isinstance(key, rsa.RSAPrivateKey) else "ed25519"
    else:
        raise RequestError(
            f"{secret} holds a key of a kind that C2PA does not know: use P-256, P-384, P-521, RSA or Ed25519"
        )
    pem = serialization.Encoding.PEM
    plain = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return algorithm, b"".join(c.public_bytes(pem) for c in chain), plain


CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}


def remedy() -> str:
    """What to do about a certificate that cannot be signed with."""
    if setting("MIEN_SIGN_CERT"):
        return "check the certificate that MIEN_SIGN_CERT names"
    return f"check this computer's clock, or delete {data_folder() / 'signing'} to have a new key made"


def read_pem(path: str, variable: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        check = f"check {variable}" if setting(variable) else remedy()
        raise RequestError(f"{path} cannot be read ({error.strerror}): {check}") from error


def _own() -> tuple[Path, Path]:
    """This computer's certificate and key, made at first use. A folder is renamed into place: of two
    processes that race one wins whole."""
    folder = data_folder() / "signing"
    outputs.sweep(data_folder())
    if not (folder / "key.pem").is_file():
        try:
            data_folder().mkdir(mode=0o700, parents=True, exist_ok=True)
            draft = Path(tempfile.mkdtemp(prefix=".signing-", dir=data_folder()))  # mode 0700
            try:
                chain, key = _self_signed()
                (draft / "certificate.pem").write_bytes(chain)
                with open(
                    draft / "key.pem", "xb", opener=lambda path, flags: os.open(path, flags, 0o600)
                ) as file:
                    file.write(key)
                draft.rename(folder)
            except OSError:
                if not (folder / "key.pem").is_file():
                    raise
            finally:
                shutil.rmtree(draft, ignore_errors=True)
        except OSError as error:
            raise unkept("a signing key", error) from error
    return folder / "certificate.pem", folder / "key.pem"


def _self_signed() -> tuple[bytes, bytes]:
    """C2PA takes no leaf that signs itself, so a chain of two: an authority whose key is thrown away, and the
    leaf that signs labels."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def name(common: str) -> x509.Name:
        return x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "mien"),
                x509.NameAttribute(NameOID.COMMON_NAME, common),
            ]
        )

    def certificate(subject: x509.Name, public: ec.EllipticCurvePublicKey, authority: bool) -> bytes:
        usage = x509.KeyUsage(not authority, False, False, False, False, authority, authority, False, False)
        builder = x509.CertificateBuilder(
            issuer,
            subject,
            public,
            x509.random_serial_number(),
            *VALID,
        )
        builder = builder.add_extension(x509.BasicConstraints(authority, None), critical=True).add_extension(
            usage, critical=True
        )
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(root.public_key()), critical=False
        )
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        if not authority:
            builder = builder.add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False
            )
        return builder.sign(root, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    root, leaf = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = name("mien self-signed authority (this computer)")
    chain = certificate(name("mien self-signed (this computer)"), leaf.public_key(), False) + certificate(
        issuer, root.public_key(), True
    )
    return chain, leaf.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
