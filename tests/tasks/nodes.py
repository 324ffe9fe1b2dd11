"""RabbitMQ nodes of a test's own, with TLS where it is asked for, to be hurt at will."""

from __future__ import annotations

import datetime
import ipaddress
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from deploy.local import ports
from deploy.local.processes import Processes
from deploy.local.rabbitmq import RabbitMQ
from tests.tasks.conftest import ROOT


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, as files."""

    certificate: Path
    key: Path


class Authority:
    """A certificate authority for one test; writes what it signs into `folder`."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self._write(
            name, self._sign(self._key, self._name)
        ).certificate

    def sign(self, name: str) -> Pair:
        """Make a certificate for a server on this machine, or for a client."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        return self._write(name, self._sign(key, subject), key)

    def _sign(
        self, key: ec.EllipticCurvePrivateKey, subject: x509.Name
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        is_own = subject == self._name
        places = [
            x509.DNSName("localhost"),
            x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        ]
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=5))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=is_own, path_length=None), True)
            .add_extension(x509.SubjectAlternativeName(places), False)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(
                    self._key.public_key()
                ),
                False,
            )
            .sign(self._key, hashes.SHA256())
        )

    def _write(
        self,
        name: str,
        certificate: x509.Certificate,
        key: ec.EllipticCurvePrivateKey | None = None,
    ) -> Pair:
        pair = Pair(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        pair.certificate.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
        )
        if key is not None:
            pair.key.write_bytes(
                key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                )
            )
        return pair


class Node(RabbitMQ):
    """A node whose configuration a test may add to, and that obeys `rabbitmqctl`."""

    #: Lines for rabbitmq.conf.
    more = ""

    def _write_files(self) -> None:
        super()._write_files()
        with (self._folder / "rabbitmq.conf").open("a") as configuration:
            configuration.write(self.more)

    def revive(self) -> None:
        """Let it come back after it was killed, as its launcher does."""
        while not self._answers():
            self._processes.tend()
            time.sleep(0.1)

    def control(self, *arguments: str) -> None:
        """Run `rabbitmqctl` against it."""
        command = Path(self._server).with_name("rabbitmqctl")
        subprocess.run(
            [str(command), "--node", self.node.name, *arguments],
            env=self._environment,
            cwd=self._folder,
            check=True,
            capture_output=True,
        )


@contextmanager
def running_nodes(folder: Path, count: int = 1, more: str = "") -> Iterator[list[Node]]:
    """Start nodes beside each other that know nothing of one another."""
    nodes, started = [], []
    try:
        for number in range(count):
            place = folder / f"node{number}"
            (place / "log").mkdir(parents=True)
            processes = Processes(ROOT, place)
            started.append(processes)
            node = Node(place / "rabbitmq", processes, os.environ)
            node.more = more
            node.start()
            nodes.append(node)
        for node in nodes:
            node.make_ready()
        yield nodes
    finally:
        for processes in started:
            processes.stop()


@contextmanager
def running_node_with_tls(folder: Path) -> Iterator[tuple[Node, int, Authority]]:
    """Start one that asks for a client's certificate; yield it, its TLS port, and who signs."""
    authority = Authority(folder, "authority")
    server = authority.sign("server")
    port = ports.any_free()
    more = (
        f"listeners.ssl.1 = 127.0.0.1:{port}\n"
        f"ssl_options.cacertfile = {authority.certificate}\n"
        f"ssl_options.certfile = {server.certificate}\n"
        f"ssl_options.keyfile = {server.key}\n"
        "ssl_options.verify = verify_peer\n"
        "ssl_options.fail_if_no_peer_cert = true\n"
    )
    with running_nodes(folder, more=more) as (node,):
        yield node, port, authority
