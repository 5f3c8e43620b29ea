"""Certificates and TLS clients for tests.

    pki = Pki(directory)                                 # a CA, certificates of a server and of clients
    instance = make_instance(**pki.server("rsa"), smtpd_tls_security_level="may").start()
    with TlsClient(instance.smtp_port) as client:        # EHLO, STARTTLS, handshake, EHLO
        client.deliver("a@example.com", "b@local.test", b"Subject: hi\r\n\r\ntext\r\n")

The certificates are made once for a test process and copied to where a test wants them (they take seconds to make).
TlsServices is an instance with a port for each of many settings; RecordClient sees the single bytes of TLS.
"""
import atexit
import functools
import hashlib
import itertools
import pathlib
import re
import shutil
import ssl
import subprocess
import tempfile
import warnings

from support.configuration import services_text
from support.ports import free_port
from support.smtp_client import Client, Disconnected
from support.waiting import PATIENCE, wait_until

NEW_KEY = {
    "rsa": ["-newkey", "rsa:2048"],
    "ecdsa": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "ed25519": ["-newkey", "ed25519"],
}
_serial_numbers = itertools.count(1000)
# name: (key, issuer, subject, extensions). What begins with "client" has no host name.
_CERTIFICATES = {
    "ca": ("ecdsa", None, "/CN=Test CA", "basicConstraints=critical,CA:true"),
    "intermediate": ("ecdsa", "ca", "/CN=Test Intermediate", "basicConstraints=critical,CA:true"),
    "other-ca": ("ecdsa", None, "/CN=Other CA", "basicConstraints=critical,CA:true"),
    "rsa": ("rsa", "ca", "/CN=mail.local.test", "subjectAltName=DNS:mail.local.test"),
    "ecdsa": ("ecdsa", "ca", "/CN=mail.local.test", "subjectAltName=DNS:mail.local.test"),
    "ed25519": ("ed25519", "ca", "/CN=mail.local.test", "subjectAltName=DNS:mail.local.test"),
    "renewed": ("ecdsa", "ca", "/CN=renewed.local.test", "subjectAltName=DNS:mail.local.test"),
    "chained": ("ecdsa", "intermediate", "/CN=mail.local.test", "subjectAltName=DNS:mail.local.test"),
    "client": ("ecdsa", "ca", "/CN=client.test", "subjectAltName=DNS:client.test"),
    "client-rsa": ("rsa", "ca", "/CN=client.test", "subjectAltName=DNS:client.test"),
    "client-deep": ("ecdsa", "intermediate", "/CN=deep.test", "subjectAltName=DNS:deep.test"),
    "client-unknown": ("ecdsa", "other-ca", "/CN=unknown.test", "subjectAltName=DNS:unknown.test"),
    "intermediate-2": ("ecdsa", "intermediate", "/CN=Test Intermediate 2", "basicConstraints=critical,CA:true"),
    "client-deepest": ("ecdsa", "intermediate-2", "/CN=deepest.test", "subjectAltName=DNS:deepest.test"),
    "client-expired": ("ecdsa", "ca", "/CN=expired.test", "subjectAltName=DNS:expired.test"),
    "client-hostile": ("ecdsa", None, '/CN=x (verified OK)) by "evil" (y<z>', "subjectAltName=DNS:self.test"),
    "client-selfsigned": ("ecdsa", None, "/CN=self.test", "subjectAltName=DNS:self.test"),
}


def openssl(*arguments, stdin=b"", check=True, timeout=60):
    """The standard output (bytes) of one call of openssl(1)."""
    result = subprocess.run(["openssl", *map(str, arguments)], input=stdin, capture_output=True, timeout=timeout,
                            check=False)
    if check and result.returncode:
        raise AssertionError(f"openssl {' '.join(map(str, arguments))}: {result.stderr.decode()}")
    return result.stdout


def make_certificate(directory, name, key="ecdsa", issuer=None, subject="/CN=mail.local.test", extensions="", days=3650):
    """Writes NAME.crt and NAME.key, signed by `issuer` (a name of this directory) or by itself."""
    crt, private = directory / f"{name}.crt", directory / f"{name}.key"
    request, config = directory / f"{name}.csr", directory / f"{name}.ext"
    openssl("req", "-new", "-nodes", *NEW_KEY[key], "-subj", subject, "-keyout", private, "-out", request)
    signer = ["-CA", directory / f"{issuer}.crt", "-CAkey", directory / f"{issuer}.key"] if issuer else ["-signkey", private]
    config.write_text(extensions + "\n")
    openssl("x509", "-req", "-in", request, *signer, "-days", days, "-set_serial", next(_serial_numbers), "-extfile", config,
            "-out", crt)
    request.unlink()
    config.unlink()


@functools.cache
def _made_once():
    directory = pathlib.Path(tempfile.mkdtemp(prefix="ph-pki-", dir="/tmp"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    for name, (key, issuer, subject, extensions) in _CERTIFICATES.items():
        make_certificate(directory, name, key, issuer, subject, extensions, days=-1 if name == "client-expired" else 3650)
    return directory


class Pki:
    """Certificates in a directory of a test: NAME.crt, NAME.key, NAME.chain (key, certificate, issuers but the root)."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(exist_ok=True)
        self.directory.chmod(0o755)
        for path in _made_once().iterdir():
            shutil.copyfile(path, self.directory / path.name)
            (self.directory / path.name).chmod(0o600 if path.suffix == ".key" else 0o644)
        for name, (_, issuer, _, _) in _CERTIFICATES.items():
            issuers = []
            while issuer and _CERTIFICATES[issuer][1]:                  # all but the root
                issuers.append(issuer)
                issuer = _CERTIFICATES[issuer][1]
            self.path(f"{name}.chain").write_text(
                self.key(name).read_text() + "".join(self.crt(each).read_text() for each in [name, *issuers]))
            self.path(f"{name}.chain").chmod(0o600)

    def path(self, name):
        return self.directory / name

    def crt(self, name):
        return self.directory / f"{name}.crt"

    def key(self, name):
        return self.directory / f"{name}.key"

    def chain(self, name):
        return self.directory / f"{name}.chain"

    def server(self, name="rsa"):
        """main.cf settings for a server with this certificate; in this form they work for RSA, ECDSA and others."""
        return {"smtpd_tls_cert_file": str(self.crt(name)), "smtpd_tls_key_file": str(self.key(name))}

    def hashed_directory(self, *names):
        """A CApath with these certificates."""
        directory = self.directory / ("hashed-" + "-".join(names))
        directory.mkdir(exist_ok=True)
        directory.chmod(0o755)
        for name in names:
            shutil.copy(self.crt(name), directory)
        openssl("rehash", directory)
        return directory

    def name_of(self, der):
        """Which certificate this is: the name, for what a server showed in DER form."""
        for name in _CERTIFICATES:
            if ssl.PEM_cert_to_DER_cert(self.crt(name).read_text()) == der:
                return name
        return None

    def fingerprint(self, name, algorithm="sha256", public_key=False):
        """As Postfix writes it: AB:CD:..."""
        if public_key:
            pem = openssl("x509", "-in", self.crt(name), "-noout", "-pubkey")
            der = openssl("pkey", "-pubin", "-outform", "DER", stdin=pem)
        else:
            der = ssl.PEM_cert_to_DER_cert(self.crt(name).read_text())
        digest = hashlib.new(algorithm, der).hexdigest().upper()
        return ":".join(digest[index:index + 2] for index in range(0, len(digest), 2))


def client_context(version=None, ciphers="ALL:@SECLEVEL=0", certificate=None, pki=None, ca=None, curve=None,
                   maximum=None, minimum=None):
    """A client that takes whatever certificate it is shown, unless `ca` names who must have signed it. `version` is one
    of "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3" and the only one that is offered."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers(ciphers)
    versions = {"TLSv1": ssl.TLSVersion.TLSv1, "TLSv1.1": ssl.TLSVersion.TLSv1_1, "TLSv1.2": ssl.TLSVersion.TLSv1_2,
                "TLSv1.3": ssl.TLSVersion.TLSv1_3}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)            # of old protocols, which is what is tested
        context.minimum_version = versions[version or minimum or "TLSv1.2"]
        context.maximum_version = versions[version or maximum or "TLSv1.3"]
    if curve:
        context.set_ecdh_curve(curve)
    if certificate:
        context.load_cert_chain(pki.chain(certificate))
    if ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(pki.crt(ca))
    return context


class TlsClient(Client):
    """A Client that says STARTTLS after EHLO, makes the handshake and says EHLO again.

    `wrapped`: TLS begins with the connection (smtpd_tls_wrappermode). `starttls=False` leaves the session plain until
    starttls() is called. The closing of the connection without close_notify is an error (ssl.SSLEOFError).
    """

    def __init__(self, port, context=None, wrapped=False, starttls=True, ehlo="client.test", session=None, **options):
        self.context = context or client_context()
        super().__init__(port, ehlo=None, **options)
        if wrapped:
            self.handshake(session)
        if ehlo is not None:
            self.banner = self.reply()
            self.ehlo(ehlo)
            if starttls and not wrapped:
                self.starttls(session)
                self.ehlo(ehlo)

    def handshake(self, session=None):
        """The TLS handshake, right now."""
        self.file.close()
        self.socket = self.context.wrap_socket(self.socket, server_hostname="mail.local.test", session=session,
                                               suppress_ragged_eofs=False)
        self.file = self.socket.makefile("rb")

    def starttls(self, session=None):
        reply = self.command("STARTTLS")
        if reply.code != 220:
            raise AssertionError(f"STARTTLS refused: {reply}")
        self.handshake(session)
        return reply

    @property
    def protocol(self):
        return self.socket.version()

    @property
    def cipher(self):
        return self.socket.cipher()[0]

    @property
    def certificate(self):
        """The server's, in DER form."""
        return self.socket.getpeercert(binary_form=True)



class RecordClient:
    """The client's end of TLS where the test itself moves the bytes: pieces of records, waiting, what should not be.

    `client` is a Client (or TlsClient) whose next bytes are TLS, after 220 to STARTTLS, for instance.
    """

    def __init__(self, client, context=None):
        self.socket = client.socket
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = (context or client_context()).wrap_bio(self.incoming, self.outgoing, server_hostname="mail.local.test")

    def next_bytes(self):
        """What the handshake says next; b"" when it has to hear something first, or is over."""
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        return self.outgoing.read()

    def receive(self):
        """Gives to TLS what the server sent (waits for it); False at the end of the connection."""
        data = self.socket.recv(65536)
        if data:
            self.incoming.write(data)
        else:
            self.incoming.write_eof()
        return bool(data)

    def finish_handshake(self, send=None):
        """The rest of the handshake; `send` is called with the bytes instead of socket.sendall."""
        while True:
            data = self.next_bytes()
            if data:
                (send or self.socket.sendall)(data)
            try:
                self.tls.do_handshake()
                self.socket.sendall(self.outgoing.read())
                return
            except ssl.SSLWantReadError:
                if not self.receive():
                    raise Disconnected("in the handshake") from None

    def record(self, data):
        """These bytes, encrypted."""
        self.tls.write(data)
        return self.outgoing.read()

    def read(self):
        """The next decrypted bytes; b"" after close_notify, ssl.SSLEOFError for an end without it."""
        while True:
            try:
                return self.tls.read(65536)
            except ssl.SSLWantReadError:
                self.receive()
            except ssl.SSLZeroReturnError:
                return b""

    def read_reply(self):
        """The text of what comes until a whole reply is there."""
        text = b""
        while not re.search(rb"^\d{3} .*\n\Z", text, re.M):
            data = self.read()
            if not data:
                raise Disconnected(text.decode("latin-1"))
            text += data
        return text.decode("latin-1")


class TlsServices:
    """An instance with an smtpd on a port of its own for each of `settings` ({name: {parameter: value}}), which logs as
    postfix/NAME/smtpd. In values PKI stands for the directory of the certificates, and FINGERPRINT(name algorithm
    certificate) or FINGERPRINT(name algorithm key) for that. `jail`: the field chroot of master.cf."""

    def __init__(self, make_instance, settings, jail="n", **parameters):
        self.instance = make_instance(**parameters)
        self.pki = Pki(self.instance.directory / "pki")
        self.settings = settings
        self.ports = {name: free_port() for name in settings}
        self.instance.master += services_text(f"inet n - {jail} - - smtpd", {
            f"127.0.0.1:{self.ports[name]}": {"syslog_name": f"postfix/{name}"} |
            {parameter: self.filled_in(value) for parameter, value in own.items()} for name, own in settings.items()})
        self.instance.write_configuration()

    def filled_in(self, value):
        if not isinstance(value, str):
            return value
        value = re.sub(r"FINGERPRINT\((\S+) (\w+) (\w+)\)",
                       lambda match: self.pki.fingerprint(match[1], match[2], match[3] == "key"), value)
        return re.sub(r"\bPKI\b", str(self.pki.directory), value)

    def start(self):
        self.instance.start(timeout=400)            # postfix check asks smtpd about each of its lines
        return self

    def client(self, name, wrapped=None, starttls=True, ehlo="client.test", session=None, **context):
        """A TlsClient of this service; `context` are options of client_context()."""
        if wrapped is None:
            wrapped = self.settings[name].get("smtpd_tls_wrappermode") in ("yes", True)
        own = context.pop("context", None) or client_context(pki=self.pki, **context)
        return TlsClient(self.ports[name], own, wrapped=wrapped, starttls=starttls, ehlo=ehlo, session=session)

    def plain(self, name, **options):
        return Client(self.ports[name], **options)

    def log(self, name):
        """The lines of this service, without time and program."""
        lines = (re.match(rf".*? postfix/{re.escape(name)}/smtpd\[\d+\]: (.*)", line)
                 for line in self.instance.log().splitlines())
        return [match[1] for match in lines if match]

    def wait_for_log(self, name, pattern, count=1, timeout=PATIENCE):
        """The match object of the count-th line of this service that the pattern fits."""
        def matches():
            found = [match for match in (re.search(pattern, line) for line in self.log(name)) if match]
            return found[count - 1] if len(found) >= count else None

        return wait_until(matches, lambda: f"{pattern!r} in the log of {name}: {self.log(name)}", timeout)


__all__ = ["Disconnected", "Pki", "RecordClient", "TlsClient", "TlsServices", "client_context", "make_certificate", "openssl"]
