"""The server's certificates: which one a client is shown, and that a new one counts without a reload. One instance has a
port for each of SETTINGS.
"""
import os
import shutil
import ssl
import time

import pytest

from support import configuration
from support.tls import TlsServices, openssl
from support.waiting import wait_until

MAY = {"smtpd_tls_security_level": "may", "smtpd_tls_loglevel": 1}
RSA = MAY | {"smtpd_tls_cert_file": "PKI/rsa.crt", "smtpd_tls_key_file": "PKI/rsa.key"}
ECDSA = {"smtpd_tls_eccert_file": "PKI/ecdsa.crt", "smtpd_tls_eckey_file": "PKI/ecdsa.key"}
OLD_CIPHERS = {"tls_medium_cipherlist": "ALL:@SECLEVEL=0"}

SETTINGS = {
    "rsa": RSA,
    "one-file": MAY | {"smtpd_tls_cert_file": "PKI/ecdsa.chain"},
    "ed25519": MAY | {"smtpd_tls_cert_file": "PKI/ed25519.crt", "smtpd_tls_key_file": "PKI/ed25519.key"},
    "both": RSA | ECDSA,
    "only-ec": MAY | ECDSA,
    "dsa": MAY | OLD_CIPHERS | {"smtpd_tls_dcert_file": "PKI/dsa.crt", "smtpd_tls_dkey_file": "PKI/dsa.key"},
    "rsa-and-dsa": RSA | OLD_CIPHERS | {"smtpd_tls_dcert_file": "PKI/dsa.crt", "smtpd_tls_dkey_file": "PKI/dsa.key"},
    "chains": MAY | {"smtpd_tls_chain_files": "PKI/rsa.chain, PKI/ecdsa.chain"},
    "chains-in-one": MAY | {"smtpd_tls_chain_files": "PKI/both.chain"},
    "chain-in-pieces": MAY | {"smtpd_tls_chain_files": "PKI/rsa.key, PKI/rsa.crt"},
    "chain-first": RSA | {"smtpd_tls_chain_files": "PKI/ecdsa.chain"},
    "issuers": MAY | {"smtpd_tls_chain_files": "PKI/chained.chain"},
    "issuers-in-cert-file": MAY | {"smtpd_tls_cert_file": "PKI/chained-with-issuer.crt",
                                   "smtpd_tls_key_file": "PKI/chained.key"},
    "no-issuers": MAY | {"smtpd_tls_cert_file": "PKI/chained.crt", "smtpd_tls_key_file": "PKI/chained.key"},
    "no-key": MAY | {"smtpd_tls_cert_file": "PKI/rsa.crt", "smtpd_tls_key_file": "PKI/none.key"},
    "wrong-key": MAY | {"smtpd_tls_cert_file": "PKI/rsa.crt", "smtpd_tls_key_file": "PKI/client-rsa.key"},
    "second-missing": RSA | {"smtpd_tls_eccert_file": "PKI/none.crt"},
    "anonymous": MAY | {"smtpd_tls_cert_file": "none"},
}


@pytest.fixture(scope="module")
def services(make_shared_instance):
    services = TlsServices(make_shared_instance, SETTINGS)
    pki = services.pki
    pki.path("both.chain").write_text(pki.chain("rsa").read_text() + pki.chain("ecdsa").read_text())
    pki.path("chained-with-issuer.crt").write_text(pki.crt("chained").read_text() + pki.crt("intermediate").read_text())
    openssl("dsaparam", "-genkey", "-out", pki.key("dsa"), "1024")
    openssl("req", "-x509", "-new", "-key", pki.key("dsa"), "-subj", "/CN=mail.local.test", "-out", pki.crt("dsa"))
    return services.start()


def shown(services, name, **options):
    """The name of the certificate that a client is shown."""
    with services.client(name, **options) as client:
        return services.pki.name_of(client.certificate) if client.certificate else None


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.parametrize("name, certificate", [
    ("rsa", "rsa"), ("one-file", "ecdsa"), ("ed25519", "ed25519"), ("both", "ecdsa"), ("only-ec", "ecdsa"),
    ("chains", "ecdsa"), ("chains-in-one", "ecdsa"), ("chain-in-pieces", "rsa"), ("chain-first", "ecdsa")])
def test_certificate_is_shown(services, name, certificate, version):
    assert shown(services, name, version=version) == certificate


@pytest.mark.parametrize("name", ["both", "chains", "chains-in-one"])
def test_client_that_knows_rsa_only_is_shown_that(services, name):
    assert shown(services, name, version="TLSv1.2", ciphers="aRSA:@SECLEVEL=0") == "rsa"
    assert shown(services, name, version="TLSv1.2", ciphers="aECDSA:@SECLEVEL=0") == "ecdsa"


@pytest.mark.parametrize("name", ["dsa", "rsa-and-dsa"])
def test_dsa_is_there_for_who_still_wants_it(services, name):
    with services.client(name, version="TLSv1.2", ciphers="aDSS:@SECLEVEL=0") as client:
        assert client.cipher.startswith("DHE-DSS-")


@pytest.mark.parametrize("name", ["issuers", "issuers-in-cert-file"])
def test_issuers_are_sent_along(services, name):
    assert shown(services, name, ca="ca") == "chained"


def test_client_that_lacks_an_issuer_says_so_and_is_logged(services):
    with pytest.raises(ssl.SSLError):
        shown(services, "no-issuers", ca="ca")
    services.wait_for_log("no-issuers", "^warning: TLS library problem: error:0A000418:SSL routines::tlsv1 alert unknown ca")


@pytest.mark.parametrize("name", ["no-key", "wrong-key", "second-missing"])
def test_without_a_usable_certificate_mail_comes_in_as_plain_text(services, name):
    with services.client(name, starttls=False) as client:
        assert client.command("STARTTLS") == (454, "4.7.0 TLS not available due to local problem")
        assert client.mail("a@example.com").code == 250
    assert any(line.startswith("warning: ") for line in services.log(name))


def test_without_a_certificate_there_are_anonymous_ciphers_if_asked_for(services):
    assert shown(services, "anonymous", version="TLSv1.2", ciphers="aNULL:@SECLEVEL=0") is None


# --- renewed while mail comes in

def replace(path, text, mode):
    """As renewing programs do: a new file in the place of the old one."""
    new = path.with_suffix(".new")
    new.touch(mode=mode)
    new.chmod(mode)
    new.write_text(text)
    new.rename(path)


ROOT_ONLY = pytest.mark.skipif(not configuration.is_root(), reason="needs root")


@pytest.fixture(params=[pytest.param((0o600, "n"), id="key of root", marks=ROOT_ONLY),
                        pytest.param((0o600, "y"), id="key of root, in a jail", marks=ROOT_ONLY),
                        pytest.param((0o644, "n"), id="key of everybody")])
def renewed(request, make_instance):
    """Services with "current" as certificate, and a function that puts another in its place."""
    mode, jail = request.param
    services = TlsServices(make_instance, {
        "files": MAY | {"smtpd_tls_cert_file": "PKI/current.crt", "smtpd_tls_key_file": "PKI/current.key"},
        "chain": MAY | {"smtpd_tls_chain_files": "PKI/current.chain"}}, jail=jail)
    pki = services.pki

    def put(name):
        replace(pki.key("current"), pki.key(name).read_text(), mode)
        replace(pki.crt("current"), pki.crt(name).read_text(), 0o644)
        replace(pki.chain("current"), pki.chain(name).read_text(), mode)

    put("ecdsa")
    services.start()
    return services, put


@pytest.mark.parametrize("name", ["files", "chain"])
def test_renewed_certificate_counts_without_a_reload(renewed, name):
    services, put = renewed
    assert shown(services, name) == "ecdsa"
    with services.client(name) as old:
        put("renewed")
        begin = time.monotonic()
        wait_until(lambda: shown(services, name) == "renewed", lambda: f"the new certificate: {services.log(name)[-20:]}")
        assert time.monotonic() - begin < 15
        assert old.mail("a@example.com").code == 250, "the session of before goes on"
    for _ in range(5):
        assert shown(services, name) == "renewed"


@pytest.mark.needs_root
@pytest.mark.parametrize("jail", ["n", "y"])
@pytest.mark.parametrize("mode", [0o700, 0o755])
def test_links_that_lead_to_other_files_count_as_renewed(make_instance, mode, jail):
    """As certbot does: the files in archive/ stay, the links in live/ are made anew."""
    services = TlsServices(make_instance, {
        "files": MAY | {"smtpd_tls_cert_file": "PKI/live/cert.pem", "smtpd_tls_key_file": "PKI/live/key.pem"}}, jail=jail)
    pki = services.pki
    for directory in ("live", "archive"):
        pki.path(directory).mkdir(mode=mode)
        pki.path(directory).chmod(mode)

    def put(name, number):
        for kind, file in (("cert", pki.crt(name)), ("key", pki.key(name))):
            target = pki.path(f"archive/{kind}{number}.pem")
            shutil.copyfile(file, target)
            target.chmod(0o600 if kind == "key" else 0o644)
            link = pki.path(f"live/{kind}.pem")
            link.unlink(missing_ok=True)
            link.symlink_to(f"../archive/{target.name}")

    put("ecdsa", 1)
    services.start()
    assert shown(services, "files") == "ecdsa"
    put("renewed", 2)
    wait_until(lambda: _shown_or_refused(services, "files") == "renewed", lambda: f"renewal: {services.log('files')[-20:]}")


def test_first_client_after_a_quiet_renewal_is_shown_the_new_certificate(renewed):
    services, put = renewed
    assert shown(services, "files") == "ecdsa"
    before = services.instance.pids("smtpd")
    put("renewed")
    time.sleep(4)                                          # nobody comes meanwhile
    assert shown(services, "files") == "renewed", services.log("files")
    assert before


def test_certificate_that_is_broken_for_a_while_recovers(renewed):
    services, put = renewed
    assert shown(services, "files") == "ecdsa"
    replace(services.pki.crt("current"), "no certificate\n", 0o644)
    time.sleep(4)
    with services.client("files", starttls=False) as client:
        reply = client.command("STARTTLS")                # the old one, or none: but never a session without mail
        assert reply.code in (220, 454)
        if reply.code == 220:
            client.handshake()
            assert services.pki.name_of(client.certificate) == "ecdsa"
        assert client.mail("a@example.com").code == 250
    put("renewed")
    wait_until(lambda: _shown_or_refused(services, "files") == "renewed", lambda: f"recovery: {services.log('files')[-20:]}")


def _shown_or_refused(services, name):
    try:
        return shown(services, name)
    except AssertionError as error:
        return str(error)


def test_same_content_again_disturbs_nothing(renewed):
    services, _ = renewed
    assert shown(services, "files") == "ecdsa"
    for suffix in ("crt", "key"):
        path = services.pki.path(f"current.{suffix}")
        mode = path.stat().st_mode & 0o777
        shutil.copyfile(path, path.with_suffix(".copy"))
        os.chmod(path.with_suffix(".copy"), mode)
        path.with_suffix(".copy").rename(path)
    for _ in range(8):
        assert shown(services, "files") == "ecdsa"
        time.sleep(0.5)


def test_renewed_authority_counts_without_a_reload(make_instance):
    services = TlsServices(make_instance, {"x": RSA | {"smtpd_tls_ask_ccert": True, "smtpd_tls_CAfile": "PKI/authority.pem"}})
    replace(services.pki.path("authority.pem"), services.pki.crt("other-ca").read_text(), 0o644)
    services.start()
    with services.client("x", certificate="client"):
        pass
    services.wait_for_log("x", "^Untrusted TLS connection established")
    replace(services.pki.path("authority.pem"), services.pki.crt("ca").read_text(), 0o644)

    def trusted():
        with services.client("x", certificate="client"):
            pass
        return any(line.startswith("Trusted TLS connection established") for line in services.log("x"))

    wait_until(trusted, lambda: f"a trusted client: {services.log('x')[-10:]}")
