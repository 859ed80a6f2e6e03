"""A certificate of a server on this machine that speaks for AWS, and the one that signed it, made anew each time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

ADDRESS = "127.0.0.1"
REGION = "eu-central-1"
# A star stands for one label: S3 has names of buckets before its own.
NAMES = [f"*.{REGION}.amazonaws.com", f"*.s3.{REGION}.amazonaws.com"]


def make(folder: Path) -> tuple[Path, Path]:
    """Writes both into a folder.

    Returns:
        The file of the certificate that clients trust, and that of the server's with its key.
    """
    root_key, key = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
    issuer, subject = (
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("Benchmark root", ADDRESS)
    )
    root = _certificate(issuer, root_key, issuer, root_key, x509.BasicConstraints(ca=True, path_length=0))
    served_as = [x509.IPAddress(ip_address(ADDRESS)), *map(x509.DNSName, NAMES)]
    server = _certificate(subject, key, issuer, root_key, x509.SubjectAlternativeName(served_as))
    trusted, served = folder / "root.pem", folder / "server.pem"
    trusted.write_bytes(root.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    served.write_bytes(private + server.public_bytes(serialization.Encoding.PEM))
    return trusted, served


def _certificate(
    subject: x509.Name,
    key: rsa.RSAPrivateKey,
    issuer: x509.Name,
    issuing: rsa.RSAPrivateKey,
    extension: x509.ExtensionType,
) -> x509.Certificate:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(extension, critical=True)
        .sign(issuing, hashes.SHA256())
    )
