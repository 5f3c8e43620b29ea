"""SMTP dialogues over TLS, and how they are held: with one instance that has a port for each scenario. The record of a
scenario is the dialogue, what smtpd logged, and the Received header of the message, if there was one.

A step is what dialogue.py knows, or a handshake: tls() with options of support.tls.client_context(), <read> for a reply
without a command, <close> for the end of the connection by the client, <connect> for another client.
"""
import atexit
import functools
import ssl

from normalise import normalise_tls
from support import Instance
from support.smtp_client import Disconnected
from support.tls import TlsClient, TlsServices, client_context

RSA = {"smtpd_tls_cert_file": "PKI/rsa.crt", "smtpd_tls_key_file": "PKI/rsa.key", "smtpd_tls_loglevel": 1}
MAY = RSA | {"smtpd_tls_security_level": "may"}
ENCRYPT = RSA | {"smtpd_tls_security_level": "encrypt"}
WRAPPER = RSA | {"smtpd_tls_wrappermode": True}
BARE = {"smtpd_tls_security_level": "may", "smtpd_tls_loglevel": 1}
CA = {"smtpd_tls_CAfile": "PKI/ca.crt"}
ASK = MAY | CA | {"smtpd_tls_ask_ccert": True}
REQUIRE = ENCRYPT | CA | {"smtpd_tls_req_ccert": True}
OUTSIDE = {"mynetworks": "192.0.2.0/24"}
PERMIT = OUTSIDE | {"smtpd_relay_restrictions": "permit_tls_clientcerts, reject_unauth_destination"}
PERMIT_ALL = OUTSIDE | {"smtpd_relay_restrictions": "permit_tls_all_clientcerts, reject_unauth_destination"}
RATE = OUTSIDE | {"smtpd_client_new_tls_session_rate_limit": 1, "smtpd_client_event_limit_exceptions": ""}

CONNECT, READ, CLOSE = "<connect>", "<read>", "<close>"
HELLO, START, QUIT = "EHLO client.test", "STARTTLS", "QUIT"
FROM, TO, FAR = "MAIL FROM:<a@example.com>", "RCPT TO:<bin@local.test>", "RCPT TO:<a@elsewhere.test>"


def tls(**options):
    return {"tls": options}


TLS, TLS12 = tls(), tls(version="TLSv1.2")
IN = [HELLO, START, TLS]
MESSAGE = [FROM, TO, "DATA", b"Subject: {name}\r\nMessage-ID: <1@x.test>\r\n\r\ntext\r\n.\r\n", READ, QUIT, READ]


def _as(certificate, version=None):
    return [HELLO, START, tls(certificate=certificate, version=version), HELLO]


def _not_usable(**settings):
    """Where TLS cannot be had: STARTTLS is offered, refused, and the session goes on."""
    return (BARE | settings, [HELLO, START, HELLO, FROM, QUIT, READ])


SCENARIOS = {
    "level-empty": (RSA, [HELLO, START, QUIT]),
    "level-none": (RSA | {"smtpd_tls_security_level": "none", "smtpd_use_tls": True}, [HELLO, START, QUIT]),
    "level-may": (MAY, [*IN, HELLO, *MESSAGE]),
    "level-upper-case": (MAY | {"smtpd_tls_security_level": "MAY"}, [HELLO, QUIT]),
    "level-of-clients": (MAY | {"smtpd_tls_security_level": "verify"}, [HELLO, FROM, START, TLS, FROM, QUIT]),
    "level-encrypt": (ENCRYPT, [HELLO, FROM, START, TLS, HELLO, *MESSAGE]),
    "use-tls": (RSA | {"smtpd_use_tls": True}, [HELLO, FROM, START, TLS, HELLO, QUIT, READ]),
    "enforce-tls": (RSA | {"smtpd_enforce_tls": True}, [HELLO, FROM, START, TLS, HELLO, QUIT, READ]),
    "enforce-tls-level-may": (MAY | {"smtpd_enforce_tls": True}, [HELLO, FROM, QUIT]),

    "no-certificate": _not_usable(),
    "no-certificate-encrypt": (ENCRYPT | {"smtpd_tls_cert_file": "", "smtpd_tls_key_file": ""}, [HELLO, START, FROM, QUIT]),
    "certificate-missing": _not_usable(smtpd_tls_cert_file="PKI/none.crt"),
    "key-missing": _not_usable(smtpd_tls_cert_file="PKI/rsa.crt", smtpd_tls_key_file="PKI/none.key"),
    "key-of-another": _not_usable(smtpd_tls_cert_file="PKI/rsa.crt", smtpd_tls_key_file="PKI/client-rsa.key"),
    "key-of-another-type": _not_usable(smtpd_tls_cert_file="PKI/rsa.crt", smtpd_tls_key_file="PKI/ecdsa.key"),
    "key-not-in-the-file": _not_usable(smtpd_tls_cert_file="PKI/rsa.crt"),
    "second-certificate-missing": _not_usable(**RSA, smtpd_tls_eccert_file="PKI/none.crt"),
    "chain-certificate-first": _not_usable(smtpd_tls_chain_files="PKI/rsa.crt, PKI/rsa.key"),
    "chain-key-alone": _not_usable(smtpd_tls_chain_files="PKI/rsa.key"),
    "chain-of-another-key": _not_usable(smtpd_tls_chain_files="PKI/client-rsa.key, PKI/rsa.crt"),
    "chain-and-certificate": (MAY | {"smtpd_tls_chain_files": "PKI/ecdsa.chain"}, [*IN, HELLO, QUIT, READ]),
    "chain-of-two": (BARE | {"smtpd_tls_chain_files": "PKI/rsa.chain, PKI/ecdsa.chain"}, [
        *IN, HELLO, QUIT, CONNECT, HELLO, START, tls(version="TLSv1.2", ciphers="aRSA:@SECLEVEL=0"), QUIT]),
    "ca-file-missing": _not_usable(**RSA, smtpd_tls_ask_ccert=True, smtpd_tls_CAfile="PKI/none.crt"),
    "ca-file-without-certificate": _not_usable(**RSA, smtpd_tls_ask_ccert=True, smtpd_tls_CAfile="PKI/rsa.key"),
    "digest-unknown": _not_usable(**RSA, smtpd_tls_fingerprint_digest="nosuch"),
    "protocols-unknown": _not_usable(**RSA, smtpd_tls_protocols="TLSv1.2, bogus"),
    "protocols-unknown-that-do-not-count": (MAY | {"smtpd_tls_mandatory_protocols": "bogus"}, [*IN, HELLO, QUIT, READ]),
    "anonymous": (BARE | {"smtpd_tls_cert_file": "none"}, [HELLO, START, TLS12, HELLO, *MESSAGE]),
    "anonymous-client-wants-a-certificate": (BARE | {"smtpd_tls_cert_file": "none"}, [
        HELLO, START, tls(version="TLSv1.2", ciphers="DEFAULT:@SECLEVEL=0")]),
    "anonymous-client-certificate": _not_usable(smtpd_tls_cert_file="none", smtpd_tls_ask_ccert=True),

    "argument": (MAY, [HELLO, "STARTTLS now", "starttls ", TLS, HELLO, QUIT, READ]),
    "twice": (MAY, [*IN, START, HELLO, START, QUIT, READ]),
    "after-mail": (MAY, [HELLO, FROM, START, TLS, TO, "DATA", HELLO, QUIT, READ]),
    "after-rcpt": (MAY, [HELLO, FROM, TO, START, TLS, "DATA", HELLO, QUIT, READ]),
    "commands-behind-starttls": (MAY | {"smtpd_forbid_unauth_pipelining": False}, [
        HELLO, b"STARTTLS\r\nNOOP\r\nEHLO x\r\n", READ, TLS, HELLO, QUIT, READ]),
    "commands-behind-starttls-forbidden": (MAY | {"smtpd_forbid_unauth_pipelining": True}, [
        HELLO, b"STARTTLS\r\nNOOP\r\nEHLO x\r\n", READ, TLS, HELLO, QUIT]),
    "commands-behind-starttls-inside": (MAY | {"smtpd_forbid_unauth_pipelining": False}, [
        *IN, HELLO, b"STARTTLS\r\nNOOP\r\n", READ, READ, QUIT]),
    "commands-pipelined-inside": (MAY, [
        *IN, HELLO, b"MAIL FROM:<a@example.com>\r\nRCPT TO:<bin@local.test>\r\nRSET\r\nMAIL FROM:<b@example.com>\r\n",
        READ, READ, READ, READ, QUIT]),
    "before-helo": (MAY, [START, TLS, FROM, QUIT, READ]),
    "after-helo": (MAY | {"smtpd_tls_received_header": True}, ["HELO client.test", START, TLS, "HELO client.test", *MESSAGE]),
    "helo-is-forgotten": (MAY | {"smtpd_helo_required": True}, [*IN, FROM, HELLO, FROM, QUIT, READ]),
    "helo-is-forgotten-and-not-needed": (MAY | {"smtpd_tls_received_header": True}, [*IN, *MESSAGE]),
    "noop-command": (MAY | {"smtpd_noop_commands": "STARTTLS"}, [HELLO, START, HELLO, QUIT, READ]),
    "forbidden-command": (MAY | {"smtpd_forbidden_commands": "STARTTLS"}, [*IN, HELLO, QUIT, READ]),
    "keyword-discarded": (MAY | {"smtpd_discard_ehlo_keywords": "starttls"}, [HELLO, START, FROM, QUIT, READ]),
    "keyword-discarded-encrypt": (ENCRYPT | {"smtpd_discard_ehlo_keywords": "starttls"}, [HELLO, START, FROM, QUIT, READ]),
    "rejected-at-connect": (MAY | {"smtpd_client_restrictions": "reject", "smtpd_delay_reject": False}, [HELLO, START, QUIT]),
    "http-inside": (MAY, [*IN, "GET / HTTP/1.1"]),

    "encrypt-commands": (ENCRYPT | {"smtpd_hard_error_limit": 100}, [
        "FOO", "HELO client.test", FROM, HELLO, FROM, TO, "DATA", "RSET", "NOOP", "VRFY bin", "ETRN local.test",
        "XFORWARD NAME=x", "EXPN x", "", "MAIL", "STARTTLS x", QUIT]),
    "encrypt-too-many-errors": (ENCRYPT | {"smtpd_hard_error_limit": 2, "smtpd_soft_error_limit": 1}, [FROM, FROM, FROM]),
    "encrypt-noop-command": (ENCRYPT | {"smtpd_noop_commands": "FOO, MAIL"}, ["FOO", FROM, QUIT]),
    "encrypt-helo-required": (ENCRYPT | {"smtpd_helo_required": True}, [FROM, START, TLS, FROM, QUIT, READ]),

    "wrapper": (WRAPPER | {"smtpd_tls_received_header": True}, [TLS, HELLO, START, *MESSAGE]),
    "wrapper-level-none": (WRAPPER | {"smtpd_tls_security_level": "none"}, [TLS, HELLO, FROM, QUIT, READ]),
    "wrapper-level-encrypt": (WRAPPER | {"smtpd_tls_security_level": "encrypt"}, [TLS, HELLO, FROM, QUIT, READ]),
    "wrapper-plain-client": (WRAPPER | {"smtpd_starttls_timeout": "2s"}, [READ]),
    "wrapper-client-hangs-up": (WRAPPER, [TLS, CLOSE]),
    "wrapper-garbage": (WRAPPER, [b"EHLO client.test\r\n", READ]),
    "wrapper-old-protocol": (WRAPPER | {"smtpd_tls_mandatory_protocols": ">=TLSv1.3"}, [TLS12]),
    "wrapper-no-certificate": ({"smtpd_tls_wrappermode": True}, [READ]),
    "wrapper-no-client-certificate": (WRAPPER | CA | {"smtpd_tls_req_ccert": True}, [TLS, READ]),

    "garbage": (MAY, [HELLO, START, b"hello world\r\nnot TLS\r\n", READ]),
    "old-protocol": (MAY | {"smtpd_tls_protocols": ">=TLSv1.3"}, [HELLO, START, TLS12]),
    "no-shared-cipher": (MAY, [HELLO, START, tls(version="TLSv1.2", ciphers="aECDSA")]),
    "client-closes": (MAY, [HELLO, START, CLOSE]),
    "client-closes-in-the-hello": (MAY, [HELLO, START, b"\x16\x03\x01\x02\x00\x01\x00", CLOSE]),
    "client-is-silent": (MAY | {"smtpd_starttls_timeout": "1s"}, [HELLO, START, READ]),
    "client-closes-inside": (MAY, [*IN, HELLO, CLOSE]),
    "client-closes-in-data": (MAY, [*IN, HELLO, FROM, TO, "DATA", CLOSE]),
    "timeout-inside": (MAY | {"smtpd_timeout": "1s"}, [*IN, HELLO, READ, READ]),
    "level-0-failure": (MAY | {"smtpd_tls_loglevel": 0}, [HELLO, START, b"hello world\r\n", READ]),
    "level-0": (MAY | {"smtpd_tls_loglevel": 0}, [*IN, HELLO, QUIT, READ]),
    "level-2": (MAY | {"smtpd_tls_loglevel": 2}, [*IN, HELLO, QUIT, READ]),
    "level-2-failure": (MAY | {"smtpd_tls_loglevel": 2}, [HELLO, START, b"hello world\r\n", READ]),
    "level-2-client-certificate": (ASK | {"smtpd_tls_loglevel": 2}, [*_as("client"), QUIT, READ]),
    "tls12": (MAY | {"smtpd_tls_received_header": True}, [HELLO, START, TLS12, HELLO, *MESSAGE]),
    "tls10": (MAY | {"smtpd_tls_received_header": True}, [HELLO, START, tls(version="TLSv1"), HELLO, *MESSAGE]),
    "tls13": (MAY | {"smtpd_tls_received_header": True}, [*IN, HELLO, *MESSAGE]),
    "tls13-other-group": (MAY, [HELLO, START, tls(version="TLSv1.3", curve="secp384r1"), HELLO, QUIT, READ]),
    "tls13-ecdsa": (MAY | {"smtpd_tls_cert_file": "PKI/ecdsa.crt", "smtpd_tls_key_file": "PKI/ecdsa.key"},
                    [*IN, HELLO, QUIT, READ]),
    "tls13-ed25519": (MAY | {"smtpd_tls_cert_file": "PKI/ed25519.crt", "smtpd_tls_key_file": "PKI/ed25519.key"},
                      [*IN, HELLO, QUIT, READ]),
    "smtputf8": (MAY | {"smtpd_tls_received_header": True}, [*IN, HELLO, FROM + " SMTPUTF8", *MESSAGE[1:]]),
    "plain-with-received-header": (MAY | {"smtpd_tls_received_header": True}, [HELLO, *MESSAGE]),

    "certificate-asked-none": (ASK | {"smtpd_tls_received_header": True}, [*IN, HELLO, *MESSAGE]),
    "certificate-trusted": (ASK | {"smtpd_tls_received_header": True}, [*_as("client"), *MESSAGE]),
    "certificate-trusted-rsa": (ASK | {"smtpd_tls_received_header": True}, [*_as("client-rsa"), *MESSAGE]),
    "certificate-trusted-tls12": (ASK | {"smtpd_tls_received_header": True}, [*_as("client", "TLSv1.2"), *MESSAGE]),
    "certificate-untrusted": (ASK | {"smtpd_tls_received_header": True}, [*_as("client-unknown"), *MESSAGE]),
    "certificate-selfsigned": (ASK | {"smtpd_tls_received_header": True}, [*_as("client-selfsigned"), *MESSAGE]),
    "certificate-not-asked": (MAY | CA | {"smtpd_tls_received_header": True}, [*_as("client"), *MESSAGE]),
    "certificate-required-with-may": (MAY | CA | {"smtpd_tls_req_ccert": True}, [*_as("client"), QUIT, READ]),
    "certificate-required-none": (REQUIRE, [*IN, HELLO, READ]),
    "certificate-required-none-tls12": (REQUIRE, [HELLO, START, TLS12, "NOOP", READ]),
    "certificate-required-unknown": (REQUIRE, [*_as("client-unknown"), READ]),
    "certificate-required-expired": (REQUIRE, [*_as("client-expired"), READ]),
    "certificate-required-trusted": (REQUIRE, [*_as("client"), FROM, TO, QUIT, READ]),
    "certificate-required-chain-too-long": (REQUIRE | {"smtpd_tls_ccert_verifydepth": 0}, [*_as("client-deepest"), READ]),
    "certificate-permitted": (ASK | PERMIT | {
        "relay_clientcerts": "inline:{{FINGERPRINT(client sha256 certificate) = x}}"}, [*_as("client"), FROM, FAR, QUIT, READ]),
    "certificate-key-permitted": (ASK | PERMIT | {
        "relay_clientcerts": "inline:{{FINGERPRINT(client sha256 key) = x}}"}, [*_as("client"), FROM, FAR, QUIT, READ]),
    "certificate-permitted-untrusted": (ASK | PERMIT | {
        "relay_clientcerts": "inline:{{FINGERPRINT(client-unknown sha256 certificate) = x}}"},
        [*_as("client-unknown"), FROM, FAR, QUIT, READ]),
    "certificate-not-permitted": (ASK | PERMIT | {
        "relay_clientcerts": "inline:{{FINGERPRINT(client md5 certificate) = x}}"}, [*_as("client"), FROM, FAR, QUIT, READ]),
    "certificate-permitted-but-not-asked": (MAY | PERMIT | {"relay_clientcerts": "static:x"},
                                            [*_as("client"), FROM, FAR, QUIT, READ]),
    "certificate-permitted-all": (ASK | PERMIT_ALL, [*_as("client"), FROM, FAR, QUIT, READ]),
    "certificate-permitted-all-untrusted": (ASK | PERMIT_ALL, [*_as("client-unknown"), FROM, FAR, QUIT, READ]),
    "certificate-permitted-all-but-not-asked": (MAY | PERMIT_ALL, [*_as("client"), FROM, FAR, QUIT, READ]),
    "certificate-access": (ASK | {"smtpd_client_restrictions": "check_ccert_access "
                                  "inline:{{FINGERPRINT(client sha256 key) = REJECT found}}"},
                           [*_as("client"), FROM, TO, QUIT, READ]),
    "certificate-access-none": (ASK | {"smtpd_client_restrictions": "check_ccert_access static:{REJECT any}"},
                                [*IN, HELLO, FROM, TO, QUIT, READ]),
    "plaintext-rejected": (MAY | {"smtpd_recipient_restrictions": "reject_plaintext_session, permit"},
                           [HELLO, FROM, TO, START, TLS, HELLO, FROM, TO, QUIT, READ]),
    "plaintext-rejected-code": (MAY | {"smtpd_sender_restrictions": "reject_plaintext_session", "plaintext_reject_code": 550},
                                [HELLO, FROM, TO, QUIT]),

    "grade-unknown": (MAY | {"smtpd_tls_ciphers": "bogus"}, [HELLO, START, QUIT, READ]),
    "exclusion-with-a-sign": (MAY | {"smtpd_tls_exclude_ciphers": "!AES256"}, [HELLO, START, QUIT, READ]),
    "cipher-list-without-ciphers": (MAY | {"tls_medium_cipherlist": "NOSUCH"}, [HELLO, START, QUIT, READ]),
    "option-unknown": (MAY | {"tls_ssl_options": "NOSUCH"}, [*IN, QUIT, READ]),
    "workaround-unknown": (MAY | {"tls_disable_workarounds": "NOSUCH"}, [*IN, QUIT, READ]),
    "curve-unknown": (MAY | {"tls_eecdh_auto_curves": "nosuch X25519"}, [*IN, QUIT, READ]),
    "dh-file-missing": (MAY | {"smtpd_tls_dh1024_param_file": "PKI/none.pem"}, [*IN, QUIT, READ]),
    "dh-file-auto": (MAY | {"smtpd_tls_dh1024_param_file": "auto"}, [*IN, QUIT, READ]),
    "session-again": (MAY | {"smtpd_tls_loglevel": 2}, [
        *IN, HELLO, QUIT, CONNECT, HELLO, START, tls(again=True), HELLO, QUIT, READ]),
    "session-again-tls12": (MAY, [HELLO, START, TLS12, HELLO, QUIT, CONNECT, HELLO, START, tls(version="TLSv1.2", again=True),
                                  HELLO, QUIT, READ]),
    "rate": (MAY | RATE, [*IN, HELLO, QUIT, CONNECT, *IN, READ]),
    "rate-over-before": (MAY | RATE, [*IN, HELLO, QUIT, CONNECT, *IN, READ, CONNECT, HELLO, START, FROM, QUIT, READ]),
    "rate-wrapper": (WRAPPER | RATE, [TLS, HELLO, QUIT, CONNECT, TLS, READ]),
    "rate-not-for-sessions-again": (MAY | RATE, [*IN, HELLO, QUIT, CONNECT, HELLO, START, tls(again=True), HELLO, QUIT]),
}


class _Holder:
    """One scenario with its clients, one after the other."""

    def __init__(self, services, name):
        self.services, self.name = services, name
        self.client = self.context = self.session = None
        self.connections = 0

    def connect(self):
        if self.client:
            self.client.close()
        self.client = TlsClient(self.services.ports[self.name], ehlo=None, starttls=False, timeout=20)
        self.connections += 1

    def replies(self, count):
        lines = []
        for _ in range(count):
            try:
                lines += self.client.reply_lines()
            except ssl.SSLEOFError:
                lines.append("<closed, not by TLS>")
            except ssl.SSLError as error:
                lines.append(f"<{error.reason}>")
            except TimeoutError:
                lines.append("<nothing>")
            except (Disconnected, OSError):
                lines.append("<closed>")
            if lines[-1].startswith("<"):
                break
        return [normalise_tls(line) for line in lines]

    def handshake(self, version=None, again=False, **options):
        # Who takes up a session again does so as the client of before.
        self.context = self.context if again else client_context(version, pki=self.services.pki, **options)
        self.client.context = self.context
        try:
            self.client.handshake(self.session if again else None)
        except ssl.SSLEOFError:
            return ["<closed, not by TLS>"]
        except ssl.SSLError as error:
            return [f"<{error.reason}>"]
        except OSError:
            return ["<closed>"]
        certificate = self.client.certificate
        return [f"{self.client.protocol} {self.client.cipher}, "
                f"{self.services.pki.name_of(certificate) if certificate else 'no certificate'}"
                f"{', again' if self.client.socket.session_reused else ''}"]

    def take(self, step):
        """What came back."""
        if step == CONNECT:
            self.connect()
            return [] if self.services.settings[self.name].get("smtpd_tls_wrappermode") else self.replies(1)
        if step == CLOSE:
            self.client.close()
            return ["<closed>"]
        if step == READ:
            return self.replies(1)
        if isinstance(step, dict):
            lines = self.handshake(**step["tls"])
            wrapped = self.services.settings[self.name].get("smtpd_tls_wrappermode")
            return lines + (self.replies(1) if wrapped and not lines[0].startswith("<") else [])
        if step == QUIT and self.context is not None:
            self.session = getattr(self.client.socket, "session", None)      # after a reply: TLS 1.3 sends it late
        try:
            self.client.send(step.replace(b"{name}", self.name.encode()) if isinstance(step, bytes)
                             else step.encode() + b"\r\n")
        except OSError:
            return ["<closed>"]
        return [] if isinstance(step, bytes) else self.replies(1)


def _shown(step):
    if isinstance(step, dict):
        return "".join(["<handshake", *(f" {name}={value}" for name, value in step["tls"].items() if value), ">"])
    return step.decode("latin-1") if isinstance(step, bytes) else step


def hold(services, name):
    """The record of one scenario."""
    holder = _Holder(services, name)
    record = []
    for step in [CONNECT, *SCENARIOS[name][1]]:
        record.append({"send": _shown(step), "reply": holder.take(step)})
        if record[-1]["reply"] and record[-1]["reply"][-1].startswith("<"):
            break
    holder.client.close()
    services.wait_for_log(name, "^disconnect from|^fatal", count=holder.connections)
    return {"dialogue": record, "log": _without_states(services.log(name)), "received": _received(services, name, record)}


def _without_states(lines):
    """Not the names of OpenSSL's states, which loglevel 2 shows."""
    return [normalise_tls(line) for line in lines if not line.startswith(("SSL_accept:", "SSL3 alert"))]


def _received(services, name, record):
    if not any("queued as" in line for step in record for line in step["reply"]):
        return []
    text = services.instance.wait_for_mailbox(f"Subject: {name}\n".encode(), user="bin").decode()
    message = next(part for part in text.split("\nFrom ") if f"\nSubject: {name}\n" in part)
    return [normalise_tls(line) for line in message[message.index("Received:"):message.index("\nSubject:")].split("\n")]


def services_of_all(make_instance=Instance, **more):
    """The running services of all scenarios. The ciphers are those of Postfix 3.7, whatever the default is now."""
    services = TlsServices(make_instance, {name: settings for name, (settings, _) in SCENARIOS.items()},
                           smtpd_error_sleep_time="0", notify_classes="",
                           tls_medium_cipherlist="aNULL:-aNULL:HIGH:MEDIUM:+RC4:@STRENGTH", **more)
    return services.start()


@functools.cache
def _services(kind):
    services = services_of_all(kind=kind)
    atexit.register(services.instance.close)
    return services


def observe(name, kind="postfix"):
    """The record of one scenario, with an instance that later calls use, too."""
    return hold(_services(kind), name)
