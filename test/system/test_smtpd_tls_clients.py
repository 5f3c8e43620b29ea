"""Clients with certificates and what they are allowed, and the TLS of programs that people use. One instance has a port for
each of SETTINGS.
"""
import subprocess

import pytest

from support import Instance
from support.tls import TlsServices

MAY = {"smtpd_tls_security_level": "may", "smtpd_tls_cert_file": "PKI/rsa.crt", "smtpd_tls_key_file": "PKI/rsa.key",
       "smtpd_tls_loglevel": 1}
ASK = MAY | {"smtpd_tls_ask_ccert": True}
TRUST = ASK | {"smtpd_tls_CAfile": "PKI/ca.crt"}
REQUIRE = TRUST | {"smtpd_tls_security_level": "encrypt", "smtpd_tls_ask_ccert": False, "smtpd_tls_req_ccert": True}
STRANGER = {"mynetworks": "192.0.2.0/24"}
PERMITTED = TRUST | STRANGER | {"smtpd_relay_restrictions": "permit_tls_clientcerts, reject"}
TABLE = "relay_clientcerts"
HARMLESS = "x ?verified OK?? by ?evil? ?y?z?"          # what is left of the name of client-hostile

SETTINGS = {
    "not-asked": MAY | {"smtpd_tls_CAfile": "PKI/ca.crt"},
    "no-authority": ASK,
    "trust": TRUST,
    "trust-header": TRUST | {"smtpd_tls_received_header": True},
    "directory": ASK | {"smtpd_tls_CApath": "PKI/hashed-ca"},
    "other-authority": ASK | {"smtpd_tls_CAfile": "PKI/other-ca.crt"},
    "default-authorities": ASK | {"smtpd_tls_CAfile": "PKI/other-ca.crt", "tls_append_default_CA": True},
    "depth-0": TRUST | {"smtpd_tls_ccert_verifydepth": 0},
    "depth-1": TRUST | {"smtpd_tls_ccert_verifydepth": 1},
    "require": REQUIRE,
    "require-with-may": REQUIRE | {"smtpd_tls_security_level": "may"},
    "require-wrapper": REQUIRE | {"smtpd_tls_wrappermode": True},
    "permit-sha256": PERMITTED | {TABLE: "inline:{{FINGERPRINT(client sha256 certificate) = laptop}}"},
    "permit-key": PERMITTED | {TABLE: "inline:{{FINGERPRINT(client sha256 key) = laptop}}"},
    "permit-md5": PERMITTED | {TABLE: "inline:{{FINGERPRINT(client md5 certificate) = laptop}}",
                               "smtpd_tls_fingerprint_digest": "md5"},
    "permit-sha1": PERMITTED | {"relay_clientcerts": "inline:{{FINGERPRINT(client sha1 key) = laptop}}",
                                "smtpd_tls_fingerprint_digest": "sha1"},
    "permit-other-digest": PERMITTED | {TABLE: "inline:{{FINGERPRINT(client md5 certificate) = laptop}}"},
    "permit-unknown": PERMITTED | {TABLE: "inline:{{FINGERPRINT(client-unknown sha256 certificate) = laptop}}"},
    "permit-nobody": PERMITTED,
    "permit-all": PERMITTED | {"smtpd_relay_restrictions": "permit_tls_all_clientcerts, reject"},
    "access": TRUST | {"smtpd_client_restrictions": "check_ccert_access "
                       "inline:{{FINGERPRINT(client sha256 certificate) = REJECT not you}}"},
    "encrypt": MAY | {"smtpd_tls_security_level": "encrypt", "smtpd_tls_received_header": True},
    "wrapper": MAY | {"smtpd_tls_wrappermode": True, "smtpd_tls_received_header": True},
    "chained": MAY | {"smtpd_tls_chain_files": "PKI/chained.chain", "smtpd_tls_cert_file": "", "smtpd_tls_key_file": "",
                      "smtpd_tls_received_header": True},
}


@pytest.fixture(scope="module")
def services(make_shared_instance):
    services = TlsServices(make_shared_instance, SETTINGS)
    services.pki.hashed_directory("ca")
    instance = services.instance
    instance.configure(import_environment=f"{instance.parameters['import_environment']} "
                                          f"SSL_CERT_FILE={services.pki.crt('ca')}")
    return services.start()


# --- how far a certificate is trusted

@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.parametrize("name, certificate, word", [
    ("not-asked", "client", "Anonymous"), ("no-authority", "client", "Untrusted"), ("trust", "client", "Trusted"),
    ("trust", "client-rsa", "Trusted"), ("trust", "client-deep", "Trusted"), ("trust", "client-unknown", "Untrusted"),
    ("trust", "client-selfsigned", "Untrusted"), ("trust", "client-expired", "Untrusted"), ("trust", None, "Anonymous"),
    ("directory", "client", "Trusted"), ("directory", "client-unknown", "Untrusted"),
    ("other-authority", "client", "Untrusted"), ("default-authorities", "client", "Trusted"),
    ("depth-0", "client-deep", "Trusted"), ("depth-0", "client-deepest", "Untrusted"),
    ("depth-1", "client-deepest", "Trusted")])
def test_log_says_how_far_a_client_is_trusted(services, name, certificate, word, version):
    before = sum("TLS connection established" in line for line in services.log(name))
    with services.client(name, version=version, certificate=certificate) as client:
        assert client.mail("a@example.com").code == 250, "asking refuses nobody"
    line = services.wait_for_log(name, "^.* TLS connection established from .*", count=before + 1)[0]
    assert line.startswith(f"{word} TLS connection established from localhost[127.0.0.1]: {version} with cipher ")


@pytest.mark.parametrize("certificate, text", [
    (None, "(Client did not present a certificate)"),
    ("client", '(Client CN "client.test", Issuer "Test CA" (verified OK))'),
    ("client-unknown", '(Client CN "unknown.test", Issuer "Other CA" (not verified))'),
    ("client-hostile", f'(Client CN "{HARMLESS}", Issuer "{HARMLESS}" (not verified))')])
def test_received_header_names_the_client_certificate(services, certificate, text):
    subject = f"Subject: by {certificate}\n".encode()
    with services.client("trust-header", certificate=certificate) as client:
        client.deliver("a@example.com", f"{services.instance.user}@local.test", subject + b"\nx\n")
    mailbox = services.instance.wait_for_mailbox(subject).decode()
    message = next(part for part in mailbox.split("\nFrom ") if subject.decode() in part)
    assert f"\t{text}\n" in message


# --- certificates that are required

@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.parametrize("certificate, text", [
    (None, "No client certificate presented"), ("client-unknown", "Client certificate not trusted"),
    ("client-expired", "Client certificate not trusted")])
def test_client_without_a_proper_certificate_is_refused(services, certificate, text, version):
    client = services.client("require", starttls=False, version=version, certificate=certificate)
    client.starttls()
    assert client.command("EHLO client.test") == (421, f"4.7.1 mail.local.test Error: {text}")
    assert client.at_end()
    services.wait_for_log("require", rf"^NOQUEUE: abort: TLS from localhost\[127\.0\.0\.1\]: {text}$")


def test_client_with_a_proper_certificate_may_mail(services):
    with services.client("require", certificate="client") as client:
        client.deliver("a@example.com", f"{services.instance.user}@local.test", b"Subject: proper\n\nx\n")


def test_certificates_cannot_be_required_where_tls_is_not(services):
    with services.client("require-with-may") as client:
        assert client.mail("a@example.com").code == 250
    services.wait_for_log("require-with-may", "^warning: Can't require client certs unless TLS is required$")


def test_wrappermode_refuses_in_place_of_the_greeting(services):
    client = services.client("require-wrapper", ehlo=None)
    assert client.reply() == (421, "4.7.1 mail.local.test Error: No client certificate presented")
    assert client.at_end()
    with services.client("require-wrapper", certificate="client") as client:
        assert client.mail("a@example.com").code == 250


# --- what a certificate allows

@pytest.mark.parametrize("name, certificate, allowed", [
    ("permit-sha256", "client", True), ("permit-sha256", "client-rsa", False), ("permit-sha256", None, False),
    ("permit-key", "client", True), ("permit-md5", "client", True), ("permit-sha1", "client", True),
    ("permit-other-digest", "client", False), ("permit-unknown", "client-unknown", True), ("permit-nobody", "client", False),
    ("permit-all", "client", True), ("permit-all", "client-deep", True), ("permit-all", "client-unknown", False),
    ("permit-all", None, False)])
def test_relaying_by_certificate(services, name, certificate, allowed):
    with services.client(name, certificate=certificate) as client:
        client.mail("a@example.com")
        assert (client.rcpt("b@elsewhere.test").code == 250) == allowed


def test_certificate_counts_in_a_session_that_is_taken_up_again(services):
    with services.client("permit-sha256", certificate="client") as client:
        context, session = client.context, client.socket.session
    with services.client("permit-sha256", context=context, session=session) as client:
        assert client.socket.session_reused
        client.mail("a@example.com")
        assert client.rcpt("b@elsewhere.test").code == 250


def test_plain_session_is_permitted_nothing(services):
    with services.client("permit-all", starttls=False) as client:
        client.mail("a@example.com")
        assert client.rcpt("b@elsewhere.test").code == 554


def test_access_table_of_certificates(services):
    with services.client("access", certificate="client") as client:
        client.mail("a@example.com")
        assert client.rcpt(f"{services.instance.user}@local.test") == (
            554, "5.7.1 <client.test>: Client certificate rejected: not you")
    for certificate in ("client-rsa", None):
        with services.client("access", certificate=certificate) as client:
            client.mail("a@example.com")
            assert client.rcpt(f"{services.instance.user}@local.test").code == 250


# --- programs

def arrived(services, subject):
    """The message with this subject, as soon as it is in the mailbox."""
    mailbox = services.instance.wait_for_mailbox(f"Subject: {subject}\n".encode()).decode()
    return next(part for part in mailbox.split("\nFrom ") if f"Subject: {subject}\n" in part)


def test_openssl_s_client(services):
    commands = f"EHLO x.test\nMAIL FROM:<a@example.com>\nRCPT TO:<{services.instance.user}@local.test>\nDATA\n" \
               "Subject: by s_client\n\ntext\n.\nQUIT\n"
    process = subprocess.Popen(
        ["openssl", "s_client", "-starttls", "smtp", "-crlf", "-quiet", "-verify_return_error", "-CAfile",
         services.pki.crt("ca"), "-verify_hostname", "mail.local.test", "-connect", f"127.0.0.1:{services.ports['chained']}"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        for line in commands.splitlines(keepends=True):
            process.stdin.write(line.encode())
            process.stdin.flush()
            if line in (commands.splitlines(keepends=True)[0], "DATA\n") or line.startswith(("MAIL", "RCPT")):
                while True:
                    reply = process.stdout.readline()
                    if reply[3:4] == b" ":
                        break
        assert "with ESMTPS id " in arrived(services, "by s_client")
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.communicate()


@pytest.mark.needs_root
@pytest.mark.parametrize("name, options, wanted", [
    ("encrypt", ["-l", "encrypt"], "Untrusted TLS connection established to"),
    ("encrypt", ["-l", "secure", "-F", "PKI/ca.crt"], "Verified TLS connection established to"),
    ("chained", ["-l", "secure", "-F", "PKI/ca.crt"], "Verified TLS connection established to"),
    ("encrypt", ["-l", "secure", "-F", "PKI/other-ca.crt"], "Untrusted TLS connection established to"),
    ("wrapper", ["-w", "-l", "encrypt"], "Untrusted TLS connection established to"),
    ("encrypt", ["-l", "encrypt", "-p", "TLSv1.2"], "TLSv1.2 with cipher "),
    ("trust", ["-l", "encrypt", "-k", "PKI/client.crt", "-K", "PKI/client.key"], "client-signature ECDSA (prime256v1)"),
    ("encrypt", ["-l", "encrypt", "-r", "1", "-m", "1"], "Found a previously used server")])
def test_posttls_finger(services, name, options, wanted):
    options = [option.replace("PKI", str(services.pki.directory)) for option in options]
    postfix = Instance(kind="postfix")
    try:
        result = postfix.run("posttls-finger", "-c", "-L", "summary", *options, f"[127.0.0.1]:{services.ports[name]}",
                             "mail.local.test", check=False)
        text = (result.stdout + result.stderr).decode()
        assert any(word in text for word in wanted.split("|")), text
    finally:
        postfix.close()


@pytest.mark.needs_root
@pytest.mark.parametrize("name, settings", [
    ("encrypt", {"smtp_tls_security_level": "encrypt"}),
    ("chained", {"smtp_tls_security_level": "secure", "smtp_tls_CAfile": "PKI/ca.crt",
                 "smtp_tls_secure_cert_match": "mail.local.test"}),
    ("wrapper", {"smtp_tls_security_level": "encrypt", "smtp_tls_wrappermode": True}),
    ("permit-sha256", {"smtp_tls_security_level": "may", "smtp_tls_cert_file": "PKI/client.crt",
                       "smtp_tls_key_file": "PKI/client.key"})])
def test_postfix_as_client(services, name, settings):
    settings = {parameter: services.filled_in(value) for parameter, value in settings.items()}
    subject = f"from Postfix to {name}"
    with Instance(kind="postfix", relayhost=f"[127.0.0.1]:{services.ports[name]}", smtp_tls_loglevel=1,
                  smtp_tls_session_cache_database="btree:${data_directory}/smtp_scache", mydestination="postfix.test",
                  **settings) as postfix:
        for number in range(3):
            postfix.sendmail("-f", "a@example.com", f"{services.instance.user}@local.test",
                             stdin=f"Subject: {subject} {number}\n\ntext\n")
            postfix.wait_for_log(r"status=sent \(250 2\.0\.0 Ok", count=number + 1)
            assert "with ESMTPS id " in arrived(services, f"{subject} {number}")
