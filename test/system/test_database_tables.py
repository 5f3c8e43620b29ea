"""Tables that ask a server: mysql:, pgsql:, ldap:, redis:, memcache:, against the real servers; sqlite: with main.cf.

Most tests ask through postmap, which uses a table as the daemons do; those at the end ask through smtpd.
"""
import concurrent.futures
import contextlib
import os
import pty
import socket
import sqlite3
import subprocess
import threading
import time

import pytest

from support import configuration
from support.database_servers import MariaDb, Memcached, Postgres, Redis, Slapd
from support.paths import BUILD
from support.waiting import wait_until

KINDS = {"mysql": MariaDb, "pgsql": Postgres, "ldap": Slapd, "redis": Redis, "memcache": Memcached}
SQL = ("mysql", "pgsql")
HOSTS = {"mysql": "hosts", "pgsql": "hosts", "ldap": "server_host", "redis": "redis", "memcache": "memcache"}


@pytest.fixture(scope="module")
def servers():
    """One server of each kind, started when it is first asked for."""
    started = {}

    def server(kind):
        if kind not in started:
            started[kind] = KINDS[kind]()
        return started[kind]

    yield server
    for one in started.values():
        one.close()


class Asker:
    """postmap with a main.cf of its own."""

    def __init__(self, directory):
        self.directory = directory
        self.main_cf()

    def main_cf(self, **parameters):
        lines = {"queue_directory": self.directory, "maillog_file": self.directory / "log", "maillog_file_prefixes": "/",
                 "daemon_directory": BUILD / "libexec", **parameters}
        (self.directory / "main.cf").write_text("".join(f"{name} = {value}\n" for name, value in lines.items()))

    def table(self, kind, settings):
        path = self.directory / f"{kind}.cf"
        path.write_text("".join(f"{name} = {value}\n" for name, value in settings.items()))
        return f"{kind}:{path}"

    @property
    def environment(self):
        return {**os.environ, "MAIL_CONFIG": str(self.directory), "ASAN_OPTIONS": "detect_leaks=0"}

    def run(self, program, *arguments):
        return subprocess.run([BUILD / "sbin" / program, *arguments], text=True, check=False, capture_output=True,
                              cwd=self.directory, env=self.environment, timeout=120)

    def ask(self, table, key):
        """What postmap -q prints, None if it does not find the key; AssertionError with its messages if it fails."""
        result = self.run("postmap", "-q", key, table)
        assert not result.stderr, result.stderr
        return result.stdout.removesuffix("\n") if result.returncode == 0 else None

    def failure(self, table, key="plain"):
        """The messages of a lookup that must fail."""
        result = self.run("postmap", "-q", key, table)
        assert result.returncode == 1 and not result.stdout
        assert "query error" in result.stderr, result.stderr
        return result.stderr


class Conversation:
    """A postmap that keeps its table open and answers one key after the other."""

    def __init__(self, asker, table):
        ours, theirs = pty.openpty()     # its output is written line by line
        self._messages = asker.directory / "messages"
        with self._messages.open("wb") as messages:
            self._process = subprocess.Popen([BUILD / "sbin/postmap", "-q", "-", table], stdin=subprocess.PIPE, stdout=theirs,
                                             stderr=messages, cwd=asker.directory, env=asker.environment)
        os.close(theirs)
        self._output = os.fdopen(ours, "rb", buffering=0)
        self._pending = b""

    def ask(self, key):
        self._process.stdin.write(key.encode() + b"\n")
        self._process.stdin.flush()
        while b"\n" not in self._pending:
            try:
                self._pending += self._output.read(4096)
            except OSError:                                  # the other side is gone
                pytest.fail(f"postmap ended: {self.messages()}")
        line, _, self._pending = self._pending.partition(b"\n")
        return line.decode().rstrip("\r").removeprefix(key + "\t")

    def messages(self):
        """What it has said on standard error so far."""
        return self._messages.read_text()

    def close(self):
        self._process.stdin.close()
        self._process.wait(30)
        self._output.close()


@pytest.fixture
def asker(tmp_path):
    return Asker(tmp_path)


@contextlib.contextmanager
def hanging_server():
    """Accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=20) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def _address(kind, address):
    return f"ldap://{address}" if kind == "ldap" else f"inet:{address}"


def _local(slapd):
    return "ldapi://" + str(slapd.socket).replace("/", "%2F")


# --- every kind of server

@pytest.mark.parametrize("kind", KINDS)
def test_hit_and_miss(servers, asker, kind):
    table = asker.table(kind, servers(kind).settings())
    assert asker.ask(table, "plain") == "value"
    assert asker.ask(table, "PLAIN") == "value"              # keys are folded
    assert asker.ask(table, "user@example.com") == "someone@example.org"
    assert asker.ask(table, "absent") is None


@pytest.mark.parametrize("kind", ["mysql", "pgsql", "ldap", "redis"])
def test_keys_with_special_characters_are_quoted(servers, asker, kind):
    table = asker.table(kind, servers(kind).settings())
    for key, value in (("two words", "both"), ("o'neil", "apostrophe"), ("a\\b", "backslash"), ("jörg", "umlaut")):
        assert asker.ask(table, key) == value
    for key in ("' or ''='", "*)(cn=*", "x\\", "pl%", "p*"):
        assert asker.ask(table, key) is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_is_down_is_a_temporary_error(servers, asker, kind):
    asker.failure(asker.table(kind, servers(kind).settings(_address(kind, "127.0.0.1:1"))))


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_hangs_is_given_up_after_timeout(servers, asker, kind):
    with hanging_server() as address:
        begin = time.monotonic()
        asker.failure(asker.table(kind, servers(kind).settings(_address(kind, address), timeout="1s" if kind in SQL else "1")))
        assert 0.9 < time.monotonic() - begin < 30


@pytest.mark.parametrize("kind", ["mysql", "pgsql", "ldap", "redis"])
def test_a_server_that_was_killed_and_is_back_is_used_again(servers, asker, kind):
    server = servers(kind)
    table = asker.table(kind, server.settings())
    conversation = Conversation(asker, table)
    assert conversation.ask("plain") == "value"
    server.stop()
    asker.failure(table)
    server.start()
    assert conversation.ask("42") == "number"
    conversation.close()


@pytest.mark.parametrize("kind", ["mysql", "pgsql", "ldap", "redis"])
def test_a_wrong_password_is_a_temporary_error(servers, asker, kind):
    wrong = {"ldap": {"bind": "yes", "bind_dn": "cn=mail,dc=test", "bind_pw": "wrong"}}.get(kind, {"password": "wrong"})
    asker.failure(asker.table(kind, servers(kind).settings(**wrong)))


# --- what mysql, pgsql and ldap have in common

@pytest.mark.parametrize("kind", ["mysql", "pgsql", "ldap"])
def test_several_results_are_joined_and_counted(servers, asker, kind):
    server = servers(kind)
    assert asker.ask(asker.table(kind, server.settings()), "multi") == "one,two"
    assert asker.ask(asker.table(kind, server.settings(expansion_limit="2", result_format="<%s>")), "multi") == "<one>,<two>"
    assert "Expansion limit exceeded" in asker.failure(asker.table(kind, server.settings(expansion_limit="1", size_limit="0")), "multi")


@pytest.mark.parametrize("kind", ["mysql", "pgsql", "ldap"])
def test_other_hosts_are_asked_where_one_is_down_or_hangs(servers, asker, kind):
    server = servers(kind)
    good = server.settings()[HOSTS[kind]]
    with hanging_server() as address:
        hosts = " ".join([_address(kind, "127.0.0.1:1"), _address(kind, address), good])
        table = asker.table(kind, server.settings(hosts, timeout="3"))
        for _ in range(3):                                   # the order is random for SQL servers
            result = asker.run("postmap", "-q", "plain", table)
            assert result.stdout == "value\n", result.stderr


@pytest.mark.parametrize("kind", ["mysql", "pgsql", "ldap"])
def test_only_addresses_in_domain_are_looked_up(servers, asker, kind):
    table = asker.table(kind, servers(kind).settings(domain="example.com, other.test"))
    assert asker.ask(table, "user@example.com") == "someone@example.org"
    assert asker.ask(table, "plain") is None


@pytest.mark.parametrize("kind", ["mysql", "pgsql", "ldap"])
def test_settings_of_a_bare_name_stand_in_main_cf(servers, asker, kind):
    settings = {f"users_{name}": value for name, value in servers(kind).settings().items()}
    asker.main_cf(virtual_alias_maps=f"{kind}:users", **settings)
    assert asker.ask(f"{kind}:users", "plain") == "value"
    assert "users_" not in asker.run("postconf", "-n").stderr  # no setting is called unused


@pytest.mark.parametrize("kind", ["mysql", "pgsql", "ldap", "redis"])
def test_changed_settings_count_in_a_running_process_and_bad_ones_do_not(servers, asker, kind):
    conversation = Conversation(asker, asker.table(kind, servers(kind).settings()))
    assert conversation.ask("plain") == "value"
    asker.table(kind, servers(kind).settings(result_format="<%s>"))
    wait_until(lambda: conversation.ask("plain") == "<value>", "the new result_format counts")
    (asker.directory / f"{kind}.cf").write_text("no setting\n")
    wait_until(lambda: conversation.ask("plain") == "<value>" and "keeping the previous settings: " in conversation.messages(),
               "the warning")
    assert conversation.ask("plain") == "<value>"
    conversation.close()
    assert conversation.messages().count("keeping the previous settings: ") == 1


def test_sqlite_redis_and_memcache_have_settings_in_main_cf_too(servers, asker):
    with contextlib.closing(sqlite3.connect(asker.directory / "db")) as database, database:
        database.execute("CREATE TABLE m(k TEXT, v TEXT)")
        database.execute("INSERT INTO m VALUES('plain', 'value')")
    settings = {"s_dbpath": "$queue_directory/db", "s_query": "SELECT v FROM m WHERE k='%s'"}
    for kind in ("redis", "memcache"):
        settings |= {f"{kind}1_{name}": value for name, value in servers(kind).settings().items()}
    asker.main_cf(**settings)
    for table in ("sqlite:s", "redis:redis1", "memcache:memcache1"):
        assert asker.ask(table, "plain") == "value"
    assert "bad string length 0 < 1: nothing_dbpath = " in asker.run("postmap", "-q", "plain", "sqlite:nothing").stderr


# --- SQL

@pytest.mark.parametrize("kind", SQL)
def test_a_query_with_a_mistake_is_a_temporary_error(servers, asker, kind):
    messages = asker.failure(asker.table(kind, servers(kind).settings(query="SELEC v FROM m")))
    assert "query failed: " in messages and "syntax error at" in messages.replace("an error in your SQL syntax", "syntax error at")


@pytest.mark.parametrize("kind", SQL)
def test_null_and_empty_fields_are_no_results(servers, asker, kind):
    table = asker.table(kind, servers(kind).settings())
    for key, warned in (("empty", True), ("*", kind == "pgsql")):  # PostgreSQL's library does not tell NULL from ""
        result = asker.run("postmap", "-q", key, table)
        assert result.returncode == 1 and ("empty lookup result" in result.stderr) == warned


@pytest.mark.parametrize("kind", SQL)
def test_parts_of_the_key_stand_in_the_query(servers, asker, kind):
    table = asker.table(kind, servers(kind).settings(query="SELECT '%u|%d|%s|%1|%2|%%'", result_format="%s at %D"))
    assert asker.ask(table, "User@example.com") == "user|example.com|user@example.com|com|example|% at example.com"
    assert asker.ask(table, "user") is None


@pytest.mark.parametrize("kind", SQL)
def test_unix_sockets(servers, asker, kind):
    server = servers(kind)
    path = {"mysql": server.socket, "pgsql": f"{server.directory}/.s.PGSQL.{server.port}"}[kind]
    assert asker.ask(asker.table(kind, server.settings(f"unix:{path}")), "plain") == "value"


@pytest.mark.parametrize("kind", SQL)
def test_old_settings_stand_for_a_query(servers, asker, kind):
    settings = servers(kind).settings(table="m", select_field="v", where_field="k", additional_conditions="AND v = 'one'")
    del settings["query"]
    assert asker.ask(asker.table(kind, settings), "multi") == "one"


def test_mysql_stored_procedures(servers, asker):
    server = servers("mysql")
    assert asker.ask(asker.table("mysql", server.settings(query="CALL find('%s')")), "multi") == "one,two"
    assert "no result set" in asker.failure(asker.table("mysql", server.settings(query="CALL none('%s')")))
    assert asker.ask(asker.table("mysql", server.settings(query="CALL none('%s')", require_result_set="no")), "plain") is None


def test_mysql_option_file(servers, asker):
    server = servers("mysql")
    (asker.directory / "my.cnf").write_text("[client]\nuser = nobody\n[mail]\nuser = mail\npassword = secret\n")
    settings = server.settings(option_file=asker.directory / "my.cnf", option_group="mail")
    del settings["user"], settings["password"]
    assert asker.ask(asker.table("mysql", settings), "plain") == "value"


def test_pgsql_connection_uri_and_function(servers, asker):
    server = servers("pgsql")
    table = asker.table("pgsql", {"hosts": f"postgresql://mail:secret@127.0.0.1:{server.port}/mail?connect_timeout=5",
                                  "select_function": "find"})
    assert asker.ask(table, "multi") == "one,two"
    wrong = asker.table("pgsql", {"hosts": f"postgresql://mail:hidden@127.0.0.1:{server.port}/mail", "select_function": "find"})
    assert "hidden" not in asker.failure(wrong)               # no password in messages


# --- LDAP

def test_ldap_binds_with_a_password(servers, asker):
    settings = servers("ldap").settings(search_base="ou=people,dc=test", result_attribute="description")
    assert asker.ask(asker.table("ldap", settings), "first") is None
    settings |= {"bind": "simple", "bind_dn": "cn=mail,dc=test", "bind_pw": "secret", "version": "2"}
    assert asker.ask(asker.table("ldap", settings), "first") == "only with a password"


@pytest.mark.parametrize("settings, version", [({}, 3), ({"version": "2"}, 2)])
def test_ldap_speaks_version_3_unless_told_otherwise(asker, settings, version):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        table = asker.table("ldap", {"server_host": f"ldap://127.0.0.1:{listener.getsockname()[1]}", "timeout": "1",
                                     "search_base": "dc=test", "bind_dn": "cn=x"} | settings)
        asker.failure(table)
        with listener.accept()[0] as client:
            request = client.recv(100)                       # RFC 4511 4.2: 60 length 02 01 version
    assert request[5] == 0x60 and request[7:10] == bytes([2, 1, version]), request


def test_ldap_groups_are_followed(servers, asker):
    settings = servers("ldap").settings(search_base="dc=test", result_attribute="", leaf_result_attribute="mail",
                                        special_result_attribute="member, labeledURI")
    assert asker.run("postmap", "-q", "group", asker.table("ldap", settings)).stdout.rstrip() == \
        "first@example.com,second@example.com,also@example.com,second@example.com,also@example.com"
    assert asker.ask(asker.table("ldap", settings | {"terminal_result_attribute": "mail"}), "group") == "group@example.com"
    assert "Recursion limit exceeded for special attribute member=cn=loop,dc=test" in asker.failure(asker.table("ldap", settings | {"recursion_limit": "9"}), "loop")


def test_ldap_scope_and_size_limit(servers, asker):
    server = servers("ldap")
    assert asker.ask(asker.table("ldap", server.settings(search_base="dc=test", scope="one")), "plain") is None
    assert asker.ask(asker.table("ldap", server.settings(scope="one")), "plain") == "value"
    table = asker.table("ldap", server.settings(search_base="cn=%s,ou=people,dc=test", scope="base", query_filter="(cn=%s)",
                                                result_attribute="mail"))
    assert asker.ask(table, "first") == "first@example.com"
    limited = server.settings(query_filter="(|(cn=%s)(o=*))", size_limit="2")
    assert "Size limit exceeded" in asker.failure(asker.table("ldap", limited))


def test_ldap_over_a_unix_socket(servers, asker):
    server = servers("ldap")
    table = asker.table("ldap", server.settings(_local(server)))
    assert asker.ask(table, "plain") == "value"


# --- LDAP with SASL. `first` may read his own description only, and that of `second` when he acts for her.

def _sasl(server, host=None, **more):
    return server.settings(host, **{"bind": "sasl", "bind_dn": "first", "bind_pw": "sesame", "search_base": "ou=people,dc=test",
                                    "result_attribute": "description"} | more)


@pytest.mark.parametrize("mechs", ["DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "CRAM-MD5", "CRAM-MD5 DIGEST-MD5", ""])
def test_ldap_logs_in_with_sasl(servers, asker, mechs):
    table = asker.table("ldap", _sasl(servers("ldap"), sasl_mechs=mechs))
    assert asker.ask(table, "first") == "only with a password"
    assert asker.ask(table, "second") is None


def test_ldap_logs_in_as_the_account_that_a_unix_socket_shows(servers, asker):
    server = servers("ldap")
    table = asker.table("ldap", _sasl(server, _local(server), sasl_mechs="EXTERNAL", bind_dn="", bind_pw=""))
    assert asker.ask(table, "second") == "of the second"
    assert asker.ask(table, "first") is None


@pytest.mark.parametrize("identity", ["u:second", "dn:cn=second,ou=people,dc=test"])
def test_ldap_acts_for_sasl_authz_id(servers, asker, identity):
    table = asker.table("ldap", _sasl(servers("ldap"), sasl_mechs="SCRAM-SHA-256", sasl_authz_id=identity))
    assert asker.ask(table, "second") == "of the second"
    assert asker.ask(table, "first") is None


@pytest.mark.parametrize("settings, reason", [
    ({"sasl_mechs": "DIGEST-MD5", "bind_pw": "wrong"}, "with dn first: 49 (Invalid credentials): SASL(-13): "),
    ({"sasl_mechs": "DIGEST-MD5", "bind_dn": ""}, "with dn empty or implicit: -2 (Local error): SASL(-1): "),
    ({"sasl_mechs": "DIGEST-MD5", "sasl_authz_id": "u:third"}, "with dn first: 50 (Insufficient access): SASL(-14): "),
    ({"sasl_mechs": "NTLM"}, "with dn first: 7 (Authentication method not supported): SASL(-4): no mechanism available: "),
    ({"sasl_mechs": "NO-SUCH"}, "with dn first: -6 (Unknown authentication method): SASL(-4): "),
    ({"sasl_mechs": "DIGEST-MD5", "sasl_minssf": "300"}, "with dn first: -6 (Unknown authentication method): SASL(-4): "),
    ({"sasl_mechs": "SCRAM-SHA-256", "sasl_minssf": "1"}, "with dn first: -6 (Unknown authentication method): SASL(-4): "),
])
def test_ldap_says_why_a_login_with_sasl_failed(servers, asker, settings, reason):
    server = servers("ldap")
    assert f"Unable to bind to server ldap://127.0.0.1:{server.port} {reason}" in asker.failure(
        asker.table("ldap", _sasl(server, **settings)), "first")


def test_ldap_protection_of_the_connection_with_sasl_is_enough_for_sasl_minssf(servers, asker):
    table = asker.table("ldap", _sasl(servers("ldap"), sasl_mechs="DIGEST-MD5", sasl_minssf="128"))
    assert asker.ask(table, "first") == "only with a password"


@pytest.mark.parametrize("settings, reason", [
    ({"bind": "kerberos"}, "unsupported parameter value: bind = kerberos"),
    ({"sasl_minssf": "strong"}, "bad numerical configuration: sasl_minssf = strong"),
])
def test_ldap_refuses_settings_that_mean_nothing(servers, asker, settings, reason):
    assert reason in asker.run("postmap", "-q", "first", asker.table("ldap", _sasl(servers("ldap"), **settings))).stderr


def test_ldap_uses_version_3_for_sasl_with_a_warning(servers, asker):
    result = asker.run("postmap", "-q", "first", asker.table("ldap", _sasl(servers("ldap"), version="2")))
    assert result.stdout == "only with a password\n" and "SASL, TLS and referrals need version = 3" in result.stderr


@contextlib.contextmanager
def fake_directory(talk):
    """Calls talk(client) for the one client that it accepts, and holds the connection."""
    def serve():
        with contextlib.suppress(OSError):                   # the listener is closed
            client, _ = listener.accept()
            clients.append(client)
            talk(client)

    clients = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    for client in clients:
        client.close()


def _wrapped(tag, *parts):
    content = b"".join(parts)
    return bytes([tag, len(content)]) + content


def _answer(client, *operations):
    """Answers the client's next request, whose number stands behind 30 length 02 01 (RFC 4511 4.1.1)."""
    number = client.recv(4096)[4]
    client.sendall(b"".join(_wrapped(0x30, bytes([2, 1, number]), operation) for operation in operations))


def halting_directory(heard):
    """Begins DIGEST-MD5 (RFC 2831), with two realms to choose from; hears the client's answer and is silent then."""
    challenge = b'realm="one",realm="two",nonce="n",qop="auth",charset=utf-8,algorithm=md5-sess'

    def talk(client):
        _answer(client, _wrapped(0x61, b"\x0a\x01\x0e\x04\x00\x04\x00", _wrapped(0x87, challenge)))
        heard.append(client.recv(4096))

    return fake_directory(talk)


def _goes_on_to_the_next_host(server, asker, address, **settings):
    """A server that is not given up when its share of the time is over takes all of the lookup's."""
    table = asker.table("ldap", _sasl(server, f"ldap://{address} ldap://127.0.0.1:{server.port}", timeout="4", **settings))
    result = asker.run("postmap", "-q", "first", table)
    assert result.stdout == "only with a password\n", result.stderr
    assert f"Unable to bind to server ldap://{address} with dn first: -5 (Timed out)" in result.stderr


@pytest.mark.parametrize("mechs", ["DIGEST-MD5", ""])        # without any the server is asked for its own first
def test_ldap_login_with_sasl_is_given_up_where_a_server_is_silent(servers, asker, mechs):
    with hanging_server() as address:
        _goes_on_to_the_next_host(servers("ldap"), asker, address, sasl_mechs=mechs)


def test_ldap_login_with_sasl_is_given_up_where_a_server_falls_silent(servers, asker):
    heard = []
    with halting_directory(heard) as address:
        _goes_on_to_the_next_host(servers("ldap"), asker, address, sasl_mechs="DIGEST-MD5", sasl_realm="two")
    assert b'username="first",realm="two"' in heard[0]


# --- ldap: servers that stop in the middle, or answer nonsense

_SUCCESS = b"\x0a\x01\x00\x04\x00\x04\x00"
_DONE = _wrapped(0x65, _SUCCESS)


def _entry(*attributes):
    return _wrapped(0x64, _wrapped(4, b"cn=x"), _wrapped(0x30, *attributes))


@pytest.mark.parametrize("operations", [
    [_wrapped(0x64, b"\xff" * 20), _DONE],
    [_wrapped(0x64, b"\x04\x04cn=x\x30\x50\x30"), _DONE],
    [_entry(_wrapped(0x30, _wrapped(4, b"o"), b"\x31\x50\x04\x01a")), _DONE],
    [_entry(_wrapped(0x30, _wrapped(4, b"o"), _wrapped(0x31, _wrapped(4, b"a"))), b"\x30\x50\x04"), _DONE],
    [_wrapped(0x65)],
    [_wrapped(0x61, _SUCCESS)],
    [_wrapped(0x78, _SUCCESS)],
], ids=["garbage", "attributes are cut off", "values are cut off", "second attribute is cut off", "no result code", "of a login",
        "of an extended operation"])
def test_ldap_answers_that_cannot_be_read_are_temporary_errors(servers, asker, operations):
    with fake_directory(lambda client: _answer(client, *operations)) as address:
        messages = asker.failure(asker.table("ldap", servers("ldap").settings(f"ldap://{address}", timeout="5")))
    assert "warning: dict_ldap_lookup: Search error" in messages


def test_ldap_entries_without_values_are_not_found(servers, asker):
    operations = [_entry(), _entry(_wrapped(0x30, _wrapped(4, b"o"), _wrapped(0x31))), _DONE]
    with fake_directory(lambda client: _answer(client, *operations)) as address:
        assert asker.ask(asker.table("ldap", servers("ldap").settings(f"ldap://{address}")), "plain") is None


def test_ldap_servers_that_others_refer_to_are_given_up_where_they_are_silent(servers, asker):
    with hanging_server() as silent:
        reference = _wrapped(0xa3, _wrapped(4, f"ldap://{silent}/dc=test".encode()))
        referral = _wrapped(0x65, b"\x0a\x01\x0a\x04\x00\x04\x00", reference)
        with fake_directory(lambda client: _answer(client, referral)) as address:
            settings = servers("ldap").settings(f"ldap://{address}", timeout="1", chase_referrals="yes")
            assert "Search error -5: Timed out" in asker.failure(asker.table("ldap", settings))


class HoldingProxy:
    """Between clients and a server. While `limit` is set, it passes so many octets of what the server says on a connection
    and holds the rest, of which it passes one octet every `drip` seconds if that is set."""

    def __init__(self, port):
        self.limit = self.drip = None
        self.passed = 0                                      # octets of the server's, on the latest connection
        self._server_port = port
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=50)
        self._closed = threading.Event()
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._closed.set()
        self._listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):                   # the listener is closed
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._server_port))
                threading.Thread(target=self._pass_requests, args=(client, server), daemon=True).start()
                threading.Thread(target=self._pass_answers, args=(client, server), daemon=True).start()

    @staticmethod
    def _pass_requests(client, server):
        with contextlib.suppress(OSError), server:
            while data := client.recv(65536):
                server.sendall(data)
            server.shutdown(socket.SHUT_RDWR)

    def _pass_answers(self, client, server):
        passed = 0
        with contextlib.suppress(OSError), client:
            while data := server.recv(65536):
                now = len(data) if self.limit is None else max(0, min(self.limit - passed, len(data)))
                self.passed = passed = passed + now
                client.sendall(data[:now])
                for octet in data[now:]:
                    self._closed.wait(self.drip)
                    client.sendall(bytes([octet]))


@pytest.mark.parametrize("where, drip", [("in the login", None), ("in a packet of SASL", None), ("in a packet of SASL", 0.4)])
def test_ldap_is_asked_again_after_lookups_in_which_the_server_stopped(servers, make_instance, where, drip):
    """There are more such lookups at once than a table has threads, and none of them keeps one."""
    server = servers("ldap")
    instance = make_instance()
    instance.configure(service_processes="1")
    with HoldingProxy(server.port) as proxy:
        host = f"ldap://{proxy.address}"
        login = {"bind": "yes", "bind_dn": "cn=first,ou=people,dc=test"} if where == "in the login" else {
            "sasl_mechs": "DIGEST-MD5", "sasl_minssf": "1"}
        settings = _sasl(server, host, timeout="1", query_filter="(cn=%u)", **login)     # the first key is found
        instance.configure(local_recipient_maps=_maps(instance, "ldap", settings))
        instance.start()

        def look_up(_=None):
            begin = time.monotonic()
            with instance.smtp() as client:
                client.mail("a@example.com")
                return client.rcpt("first@local.test")[0], time.monotonic() - begin

        assert look_up()[0] == 250
        proxy.limit, proxy.drip = 2 if where == "in the login" else proxy.passed - 20, drip
        with concurrent.futures.ThreadPoolExecutor(10) as pool:
            for code, seconds in pool.map(look_up, range(10)):
                assert code == 451 and seconds < 5
        proxy.limit = None
        assert [look_up()[0] for _ in range(3)] == [250] * 3


# --- Redis and memcached

def test_redis_hashes_and_databases(servers, asker):
    server = servers("redis")
    assert asker.ask(asker.table("redis", server.settings(hash="rows", result_format="<%s>")), "plain") == "<value>"
    assert asker.ask(asker.table("redis", server.settings(database="1")), "plain") is None


def test_memcache_keeps_what_its_backup_knows(servers, asker):
    table = asker.table("memcache", servers("memcache").settings(backup="inline:{{fresh=from backup}}"))
    assert asker.ask(table, "fresh") == "from backup"
    assert asker.ask(asker.table("memcache", servers("memcache").settings()), "fresh") == "from backup"


# --- through a daemon

def _maps(instance, kind, settings):
    text = "".join(f"{name} = {value}\n" for name, value in settings.items())
    return f"{kind}:{instance.table(f'{kind}.cf', text)}"


@pytest.mark.parametrize("kind", ["mysql", "pgsql", "ldap"])
def test_a_recipient_is_deferred_while_the_server_is_down(servers, make_instance, kind):
    server = servers(kind)
    instance = make_instance()
    instance.configure(local_recipient_maps=_maps(instance, kind, server.settings(timeout="2")))
    instance.start()
    with instance.smtp() as client:
        client.mail("a@example.com")
        assert client.rcpt("plain@local.test")[0] == 250
        assert client.rcpt("absent@local.test")[0] == 550
        server.stop()
        assert client.rcpt("42@local.test")[0] == 451
        server.start()
        assert client.rcpt("42@local.test")[0] == 250


@pytest.mark.skipif(not configuration.is_root(), reason="a jail needs root")
def test_ldap_logs_in_with_sasl_from_a_jail(servers, make_instance):
    """The mechanisms are plugins, which are not found in there."""
    instance = make_instance()
    instance.master = f"{instance.address}:{instance.smtp_port} inet n - y - - smtpd\n"
    instance.configure(local_recipient_maps=_maps(instance, "ldap", _sasl(servers("ldap"), sasl_mechs="SCRAM-SHA-256")))
    instance.start()
    with instance.smtp() as client:
        client.mail("a@example.com")
        assert client.rcpt("first@local.test")[0] == 250
        assert client.rcpt("second@local.test")[0] == 550


def test_a_server_that_hangs_delays_only_its_own_lookups(servers, make_instance):
    instance = make_instance()
    good = _maps(instance, "mysql", servers("mysql").settings())
    with contextlib.ExitStack() as hanging:
        address = hanging.enter_context(hanging_server())
        slow = _maps(instance, "pgsql", servers("pgsql").settings(f"inet:{address}", timeout="600"))
        instance.configure(local_recipient_maps=good, 
                           smtpd_sender_restrictions=f"check_sender_access inline:{{quick@example.com=OK}}, check_sender_access {slow}")
        instance.start()
        with instance.smtp() as waiting, instance.smtp() as other:
            answers = []
            waiting.mail("slow@example.com")
            thread = threading.Thread(target=lambda: answers.append(waiting.rcpt("plain@local.test")), daemon=True)
            thread.start()
            other.mail("quick@example.com")                  # the server that hangs is not asked
            assert other.rcpt("plain@local.test")[0] == 250
            assert not answers
            hanging.close()                                  # now the server is down
            wait_until(lambda: answers, "the answer to the client that waited")
            assert answers[0][0] == 451
