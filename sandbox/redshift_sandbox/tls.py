"""A private certificate authority and the certificates of the sandbox's servers.

Only the SAN holds the host, as in the certificates of Redshift Serverless, so that a client
that still reads the CN fails here too. Files of the directory: ca.pem (for clients), ca-key.pem,
<name>.pem (certificate), <name>-key.pem. They are made again only if they are missing, expire
within a day, or were made for other hosts.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from redshift_sandbox.files import PRIVATE, write_whole

_CA_DAYS = 3650
_SERVER_DAYS = 825  # the longest time that clients such as macOS accept


@dataclass(frozen=True)
class Certificate:
    """Paths of one server's files and of the authority that clients must trust."""

    cert: Path
    key: Path
    ca: Path


class CertificateAuthority:
    """The authority in `directory`, made on first use. Dates come from the machine's clock, because
    clients compare them with it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.ca_file = directory / "ca.pem"
        self._key, self._cert = self._load_or_create()

    def server(self, name: str, hosts: Sequence[str], *, expired: bool = False) -> Certificate:
        """A server certificate for `hosts` (DNS names and addresses). `expired` makes one that has expired."""
        file_name = f"{name}-expired" if expired else name
        files = Certificate(
            self._directory / f"{file_name}.pem", self._directory / f"{file_name}-key.pem", self.ca_file
        )
        if not self._still_good(files, hosts, expired):
            self._issue(files, hosts, expired)
        return files

    def server_context(self, name: str, hosts: Sequence[str], *, expired: bool = False) -> ssl.SSLContext:
        """A ready TLS context of a server: TLS 1.2 or newer, as Redshift and the AWS services demand."""
        files = self.server(name, hosts, expired=expired)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(files.cert, files.key)
        return context

    def _load_or_create(self) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        key_file = self._directory / "ca-key.pem"
        if key_file.exists() and self.ca_file.exists():
            key = serialization.load_pem_private_key(key_file.read_bytes(), None)
            cert = x509.load_pem_x509_certificate(self.ca_file.read_bytes())
            if isinstance(key, ec.EllipticCurvePrivateKey) and _days_left(cert) > 1:
                return key, cert
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Redshift sandbox private CA")])
        now = dt.datetime.now(dt.UTC)
        cert = (
            _builder(name, name, key.public_key(), now - dt.timedelta(days=1), _CA_DAYS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        write_whole(key_file, _pem(key), PRIVATE)
        self.ca_file.write_bytes(cert.public_bytes(serialization.Encoding.PEM))
        return key, cert

    def _still_good(self, files: Certificate, hosts: Sequence[str], expired: bool) -> bool:
        if not (files.cert.exists() and files.key.exists()):
            return False
        cert = x509.load_pem_x509_certificate(files.cert.read_bytes())
        san = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        alive = expired or _days_left(cert) > 1
        try:
            cert.verify_directly_issued_by(self._cert)
        except Exception:
            return False  # signed by an earlier authority
        return alive and san == x509.SubjectAlternativeName(_names(hosts))

    def _issue(self, files: Certificate, hosts: Sequence[str], expired: bool) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        now = dt.datetime.now(dt.UTC)
        start = now - dt.timedelta(days=30 if expired else 1)
        subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Redshift sandbox")])
        cert = (
            _builder(subject, self._cert.subject, key.public_key(), start, 1 if expired else _SERVER_DAYS)
            .add_extension(x509.SubjectAlternativeName(_names(hosts)), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        write_whole(files.key, _pem(key), PRIVATE)
        files.cert.write_bytes(cert.public_bytes(serialization.Encoding.PEM))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, start: dt.datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=days))
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=signs_certificates, crl_sign=signs_certificates,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _names(hosts: Sequence[str]) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = []
    for host in hosts:
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(host)))
        except ValueError:
            names.append(x509.DNSName(host))
    return names


def _days_left(cert: x509.Certificate) -> float:
    return (cert.not_valid_after_utc - dt.datetime.now(dt.UTC)).total_seconds() / 86400


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
