"""What is agreed on in the handshake: protocols, ciphers, groups, options of OpenSSL, sessions that are taken up again. One
instance has a port for each of SETTINGS.
"""
import re
import ssl
import subprocess
import warnings

import pytest

from support.tls import RecordClient, TlsServices, client_context, openssl

MAY = {"smtpd_tls_security_level": "may", "smtpd_tls_cert_file": "PKI/rsa.crt", "smtpd_tls_key_file": "PKI/rsa.key",
       "smtpd_tls_loglevel": 1}
ENCRYPT = MAY | {"smtpd_tls_security_level": "encrypt"}

# smtpd_tls_protocols: which clients with one version only get in
PROTOCOLS = {
    ">=TLSv1.2": "23", "TLSv1.2": "2", "TLSv1.1, TLSv1.3": "13", "!TLSv1.3": "012", "!TLSv1, !TLSv1.1": "23",
    "<=TLSv1.1": "01", ">=TLSv1.1, <=TLSv1.2": "12", "!SSLv2, !SSLv3": "0123", "tlsv1.3": "3", ">=0303": "23", "": "0123",
    "TLSv1.2:TLSv1.3": "23",
}
VERSIONS = {"0": "TLSv1", "1": "TLSv1.1", "2": "TLSv1.2", "3": "TLSv1.3"}
WITHOUT_TICKETS = {"tls_ssl_options": "NO_TICKET"}

SETTINGS = {
    "plain": MAY, "encrypt": ENCRYPT,
    **{f"protocols-{number}": MAY | {"smtpd_tls_protocols": value} for number, value in enumerate(PROTOCOLS)},
    "mandatory-protocols": ENCRYPT | {"smtpd_tls_mandatory_protocols": ">=TLSv1.3"},
    "mandatory-protocols-with-may": MAY | {"smtpd_tls_mandatory_protocols": ">=TLSv1.3"},
    "protocols-with-encrypt": ENCRYPT | {"smtpd_tls_protocols": ">=TLSv1.3"},
    "mandatory-protocols-with-wrapper": MAY | {"smtpd_tls_security_level": "", "smtpd_tls_wrappermode": True,
                                               "smtpd_tls_mandatory_protocols": ">=TLSv1.3"},
    "medium-list": MAY | {"tls_medium_cipherlist": "AES128-SHA"},
    "null-list": MAY | {"smtpd_tls_ciphers": "null", "tls_null_cipherlist": "AES128-SHA"},
    "high": MAY | {"smtpd_tls_ciphers": "high", "tls_high_cipherlist": "AES128-SHA256"},
    "high-with-encrypt": ENCRYPT | {"smtpd_tls_ciphers": "high", "tls_high_cipherlist": "AES128-SHA256"},
    "mandatory-high": ENCRYPT | {"smtpd_tls_mandatory_ciphers": "high", "tls_high_cipherlist": "AES128-SHA256"},
    "mandatory-high-with-may": MAY | {"smtpd_tls_mandatory_ciphers": "high", "tls_high_cipherlist": "AES128-SHA256"},
    "excluded": MAY | {"smtpd_tls_exclude_ciphers": "AES256, NOSUCH"},
    "mandatory-excluded": ENCRYPT | {"smtpd_tls_mandatory_exclude_ciphers": "AES256"},
    "mandatory-excluded-with-may": MAY | {"smtpd_tls_mandatory_exclude_ciphers": "AES256"},
    "preempt": MAY | {"tls_preempt_cipherlist": True},
    "curve": MAY | {"tls_eecdh_auto_curves": "secp384r1"},
    "no-ffdhe": MAY | {"tls_ffdhe_auto_groups": ""},
    "dh-file": MAY | {"smtpd_tls_dh1024_param_file": "PKI/dh4096.pem"},
    "dh-file-missing": MAY | {"smtpd_tls_dh1024_param_file": "PKI/none.pem"},
    "no-tickets": MAY | WITHOUT_TICKETS,
    "no-session-ids": MAY | WITHOUT_TICKETS | {"smtpd_tls_always_issue_session_ids": False},
    "one-client": MAY | {"max_use": 1},
    "no-workaround": MAY | {"tls_disable_workarounds": "DONT_INSERT_EMPTY_FRAGMENTS"},
}


@pytest.fixture(scope="module")
def services(make_shared_instance):
    services = TlsServices(make_shared_instance, SETTINGS)
    openssl("genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe4096",
            "-out", services.pki.path("dh4096.pem"))
    return services.start()


def gets_in(services, name, **options):
    """Whether a client of this kind can make the handshake and mail."""
    try:
        with services.client(name, **options) as client:
            assert client.mail("a@example.com").code == 250
            return True
    except ssl.SSLError:
        return False


def agreed_cipher(services, name, ciphers):
    with services.client(name, version="TLSv1.2", ciphers=f"{ciphers}:@SECLEVEL=0") as client:
        return client.cipher


# --- protocols

@pytest.mark.parametrize("number, value", list(enumerate(PROTOCOLS)))
def test_protocols(services, number, value):
    accepted = "".join(digit for digit, version in VERSIONS.items()
                       if gets_in(services, f"protocols-{number}", version=version))
    assert accepted == PROTOCOLS[value], services.log(f"protocols-{number}")


@pytest.mark.parametrize("name, wanted", [
    ("mandatory-protocols", False), ("mandatory-protocols-with-may", True), ("protocols-with-encrypt", True),
    ("mandatory-protocols-with-wrapper", False)])
def test_protocols_of_the_level_count(services, name, wanted):
    assert gets_in(services, name, version="TLSv1.3")
    assert gets_in(services, name, version="TLSv1.2") == wanted


def test_client_of_an_old_protocol_is_told_by_an_alert(services):
    number = list(PROTOCOLS).index(">=TLSv1.2")
    with pytest.raises(ssl.SSLError) as error:
        services.client(f"protocols-{number}", version="TLSv1")
    assert "PROTOCOL_VERSION" in str(error.value)
    services.wait_for_log(f"protocols-{number}",
                          "^warning: TLS library problem: error:0A000102:SSL routines::unsupported protocol")


# --- ciphers

@pytest.mark.parametrize("name, offered, agreed", [
    ("plain", "AES128-SHA:AES256-SHA", "AES128-SHA"),
    ("preempt", "AES128-SHA:AES256-SHA", "AES256-SHA"),
    ("medium-list", "AES256-SHA:AES128-SHA", "AES128-SHA"),
    ("null-list", "AES256-SHA:AES128-SHA", "AES128-SHA"),
    ("high", "AES256-SHA:AES128-SHA256", "AES128-SHA256"),
    ("high-with-encrypt", "AES256-SHA:AES128-SHA256", "AES256-SHA"),
    ("mandatory-high", "AES256-SHA:AES128-SHA256", "AES128-SHA256"),
    ("mandatory-high-with-may", "AES256-SHA:AES128-SHA256", "AES256-SHA"),
    ("excluded", "AES256-SHA:AES128-SHA", "AES128-SHA"),
    ("mandatory-excluded", "AES256-SHA:AES128-SHA", "AES128-SHA"),
    ("mandatory-excluded-with-may", "AES256-SHA:AES128-SHA", "AES256-SHA")])
def test_cipher_is_agreed_on(services, name, offered, agreed):
    assert agreed_cipher(services, name, offered) == agreed


def test_client_without_a_cipher_in_common_is_told_by_an_alert(services):
    with pytest.raises(ssl.SSLError) as error:
        agreed_cipher(services, "medium-list", "AES256-SHA")
    assert "HANDSHAKE_FAILURE" in str(error.value)
    services.wait_for_log("medium-list", "^warning: TLS library problem: error:0A0000C1:SSL routines::no shared cipher")


# --- groups

def s_client(services, name, *options):
    """What openssl s_client says of a session that it begins and ends."""
    command = ["openssl", "s_client", "-starttls", "smtp", "-connect", f"127.0.0.1:{services.ports[name]}", *options]
    return subprocess.run(command, input=b"QUIT\r\n", capture_output=True, timeout=30, check=False).stdout.decode()


def test_curves_are_those_of_the_list(services):
    with services.client("curve"):
        pass
    services.wait_for_log("curve", r" key-exchange ECDHE \(secp384r1\) ")
    assert "Cipher is (NONE)" in s_client(services, "curve", "-groups", "X25519")
    assert "Cipher is TLS_" in s_client(services, "plain", "-groups", "X25519")


def test_finite_field_groups_of_tls13_are_those_of_the_list(services):
    assert "Cipher is TLS_" in s_client(services, "plain", "-groups", "ffdhe3072", "-tls1_3")
    assert "Cipher is (NONE)" in s_client(services, "no-ffdhe", "-groups", "ffdhe3072", "-tls1_3")


def test_parameters_for_dhe_are_read_from_the_file(services):
    dhe = ("-tls1_2", "-cipher", "DHE-RSA-AES256-GCM-SHA384")
    assert "Server Temp Key: DH, 4096 bits" in s_client(services, "dh-file", *dhe)
    assert re.search(r"Server Temp Key: DH, (2048|3072) bits", s_client(services, "plain", *dhe))
    assert re.search(r"Server Temp Key: DH, (2048|3072) bits", s_client(services, "dh-file-missing", *dhe))
    services.wait_for_log("dh-file-missing", "^warning: .*/none.pem.*: No such file or directory -- using compiled-in defaults")


# --- options

def test_workarounds_are_disabled_by_name(services):
    """An empty fragment before data of TLS 1.0 (CVE-2011-3389) is what the workaround leaves out."""
    records = {}
    for name in ("plain", "no-workaround"):
        client = services.client(name, starttls=False)
        client.command("STARTTLS")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            tls = RecordClient(client, client_context("TLSv1", ciphers="AES128-SHA:@SECLEVEL=0"))
        tls.finish_handshake()
        client.send(tls.record(b"NOOP\r\n"))
        data = client.socket.recv(65536)
        while len(_whole_records(data)) < (2 if name == "no-workaround" else 1):
            data += client.socket.recv(65536)
        records[name] = len(_whole_records(data))
        client.close()
    assert records == {"plain": 1, "no-workaround": 2}


def _whole_records(data):
    lengths = []
    while len(data) >= 5:
        length = int.from_bytes(data[3:5])
        if len(data) < 5 + length:
            return lengths
        lengths.append(length)
        data = data[5 + length:]
    return lengths


# --- sessions that are taken up again

def taken_up(services, name, version):
    """(was the first session given a ticket, was it taken up by the second)."""
    context = client_context(version)
    with services.client(name, context=context) as client:
        session = client.socket.session
        assert not client.socket.session_reused
    with services.client(name, context=context, session=session) as client:
        assert client.mail("a@example.com").code == 250
        return session.has_ticket, client.socket.session_reused


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.parametrize("name, wanted", [
    ("plain", True), ("encrypt", True), ("one-client", True), ("no-tickets", False)])
def test_session_is_taken_up_again(services, name, wanted, version):
    ticket, again = taken_up(services, name, version)
    assert again == wanted
    if version == "TLSv1.2":
        assert ticket == wanted


def test_session_id_is_given_even_where_it_is_of_no_use_unless_told(services):
    lengths = []
    for name in ("no-tickets", "no-session-ids"):
        with services.client(name, version="TLSv1.2") as client:
            lengths.append(len(client.socket.session.id))
    assert lengths == [32, 0]


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_no_session_is_taken_up_again_with_a_cache_timeout_of_zero(make_instance, version):
    services = TlsServices(make_instance, {"x": MAY}, smtpd_tls_session_cache_timeout=0).start()
    ticket, again = taken_up(services, "x", version)
    assert not again
    if version == "TLSv1.2":
        assert not ticket


def test_ticket_lives_as_long_as_the_cache_timeout(make_instance):
    """Or twice that: with Postfix it is taken as long as the key of before."""
    services = TlsServices(make_instance, {"x": MAY}, smtpd_tls_session_cache_timeout="1800s").start()
    for version in ("TLSv1.2", "TLSv1.3"):
        with services.client("x", version=version) as client:
            assert client.noop().code == 250
            assert client.socket.session.ticket_lifetime_hint in (1800, 3600)
