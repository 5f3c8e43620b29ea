"""Real servers that network tables ask: MariaDB, PostgreSQL, OpenLDAP, Redis, memcached, from build/yardstick.

Each has its data in a directory of its own below /tmp and listens on a loopback port, SQL servers and slapd on a UNIX
socket, too. As root they run as an ordinary account, which some insist on. They hold what ROWS says; users are `mail`
with the password `secret`. stop() and start() take a server away and bring it back with its data; freeze() makes it
hang, thaw() lets it go on; close() ends it and removes the directory.
"""
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile

from support.paths import YARDSTICK_ROOT, tool
from support.ports import free_port
from support.waiting import wait_until

ACCOUNT = "nobody"

# Keys and values; a key with several values has them in this order. None is NULL where a server has that.
ROWS = [("plain", "value"), ("two words", "both"), ("user@example.com", "someone@example.org"), ("user", "local"),
        ("jörg", "umlaut"), ("42", "number"), ("o'neil", "apostrophe"), ("a\\b", "backslash"), ("multi", "one"),
        ("multi", "two"), ("*", None), ("empty", "")]


def _quoted(text):
    return "NULL" if text is None else "'" + text.replace("'", "''") + "'"


def _inserts(quoted):
    return "".join(f"INSERT INTO m VALUES({quoted(key)}, {quoted(value)});\n" for key, value in ROWS)


class DatabaseServer:
    """What all have in common. `port` and `socket` do not change when the server is started again."""

    # What the log says at each start when the server answers, of those that listen before that.
    READY = ""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="ph-db-", dir="/tmp"))
        self.directory.chmod(0o755)
        self.port = free_port()
        self.socket = self.directory / "socket"
        self._process = None
        self._identity = {}
        if os.getuid() == 0:
            account = pwd.getpwnam(ACCOUNT)
            self._identity = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
            os.chown(self.directory, account.pw_uid, account.pw_gid)
        try:
            self.prepare()
            self.start()
        except BaseException:
            self.close()
            raise

    # --- for each kind

    def prepare(self):
        """Makes the data that the server starts with."""

    def command(self):
        raise NotImplementedError

    def fill(self):
        """Puts in what only a running server takes; once."""

    # --- life

    def run(self, *command, stdin=""):
        result = subprocess.run([str(word) for word in command], input=stdin.encode(), cwd=self.directory, check=False,
                                capture_output=True, env=self._environment(), timeout=120, **self._identity)
        assert result.returncode == 0, f"{command}: {result.stdout.decode()}{result.stderr.decode()}"
        return result.stdout.decode()

    @staticmethod
    def _environment():
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C", "HOME": "/"}

    def start(self):
        starts_before = self._starts_logged()
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen([str(word) for word in self.command()], cwd=self.directory, stdout=log,
                                             stdin=subprocess.DEVNULL, stderr=log, env=self._environment(),
                                             **self._identity)
        wait_until(lambda: self._listens() and (not self.READY or self._starts_logged() > starts_before), lambda: f"{type(self).__name__}: {self._log_text()[-3000:]}",
                   timeout=90)
        filled = self.directory / "filled"
        if not filled.exists():
            self.fill()
            filled.touch()

    def _starts_logged(self):
        return self._log_text().count(self.READY)

    def _log_text(self):
        log = self.directory / "log"
        return log.read_text() if log.exists() else ""

    def _listens(self):
        assert self._process.poll() is None, f"{type(self).__name__} left: {self._log_text()[-3000:]}"
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def stop(self):
        """At once, as a crash would."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._process = None

    def freeze(self):
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self._process.send_signal(signal.SIGCONT)

    def close(self):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)


class MariaDb(DatabaseServer):
    """Table m(k, v) in the database `mail`; the procedure find(k)."""

    def prepare(self):
        share = YARDSTICK_ROOT / "usr/share/mysql"
        script = "CREATE DATABASE mysql;\nUSE mysql;\n" + "".join(
            (share / f"{name}.sql").read_text() for name in ("mysql_system_tables", "mysql_system_tables_data"))
        script += ("CREATE DATABASE mail CHARACTER SET utf8mb4;\nUSE mail;\n"
                   "CREATE TABLE m(k VARCHAR(300) COLLATE utf8mb4_bin, v VARCHAR(300));\n"
                   + _inserts(lambda text: _quoted(text and text.replace("\\", "\\\\")))
                   + "CREATE PROCEDURE find(key_ VARCHAR(300)) SQL SECURITY INVOKER SELECT v FROM m WHERE k = key_ COLLATE utf8mb4_bin;\n"
                     "CREATE PROCEDURE none(key_ VARCHAR(300)) SQL SECURITY INVOKER SET @x = key_;\n"
                     "FLUSH PRIVILEGES;\n"
                     "CREATE USER mail@'%' IDENTIFIED BY 'secret';\nCREATE USER mail@localhost IDENTIFIED BY 'secret';\n"
                     "GRANT ALL ON mail.* TO mail@'%';\nGRANT ALL ON mail.* TO mail@localhost;\n")
        (self.directory / "my.cnf").write_text("")
        self.run(tool("mariadbd"), *self._options(), "--bootstrap", "--skip-networking", stdin=script)

    def _options(self):
        return [f"--defaults-file={self.directory}/my.cnf", f"--datadir={self.directory}",
                f"--lc-messages-dir={YARDSTICK_ROOT}/usr/share/mysql", "--innodb-buffer-pool-size=8M",
                "--innodb-log-file-size=4M", "--innodb-flush-method=nosync", "--skip-log-bin",
                f"--plugin-dir={YARDSTICK_ROOT}/usr/lib/mysql/plugin", "--character-set-server=utf8mb4", f"--tmpdir={self.directory}"]

    def command(self):
        return [tool("mariadbd"), *self._options(), "--bind-address=127.0.0.1", f"--port={self.port}",
                f"--socket={self.socket}", f"--pid-file={self.directory}/pid", "--skip-name-resolve"]

    def settings(self, host=None, **more):
        """The settings of a mysql: table."""
        return {"hosts": host or f"inet:127.0.0.1:{self.port}", "user": "mail", "password": "secret", "dbname": "mail",
                "query": "SELECT v FROM m WHERE k = '%s'"} | more


class Postgres(DatabaseServer):
    """Table m(k, v) in the database `mail`; the function find(k)."""

    READY = "database system is ready to accept connections"

    def prepare(self):
        secret = self.directory / "secret"
        secret.write_text("secret\n")
        secret.chmod(0o644)
        self.run(tool("initdb"), "-D", self.directory / "data", "-U", "mail", f"--pwfile={secret}", "-A", "scram-sha-256",
                 "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
        # Each line is a command.
        script = ("CREATE TABLE m(k TEXT, v TEXT);\n" + _inserts(_quoted)
                  + "CREATE FUNCTION find(TEXT) RETURNS SETOF TEXT LANGUAGE sql AS 'SELECT v FROM m WHERE k = $1';\n")
        self.run(tool("postgres"), "--single", *self._options(), "postgres", stdin="CREATE DATABASE mail;\n")
        self.run(tool("postgres"), "--single", *self._options(), "mail", stdin=script)

    def _options(self):
        return ["-D", self.directory / "data", "-c", "fsync=off", "-c", "shared_buffers=1MB", "-c", "max_connections=20",
                "-c", "jit=off", "-c", "autovacuum=off", "-c", "dynamic_shared_memory_type=mmap"]

    def command(self):
        return [tool("postgres"), *self._options(), "-c", "listen_addresses=127.0.0.1", "-p", self.port,
                "-c", f"unix_socket_directories={self.directory}"]

    def stop(self):
        """Its children notice the end of their parent by themselves; their memory must be free before the next start."""
        super().stop()
        pid_file = self.directory / "data/postmaster.pid"
        pid_file.unlink(missing_ok=True)

    def freeze(self):
        for pid in self._family():
            os.kill(pid, signal.SIGSTOP)

    def thaw(self):
        for pid in self._family():
            os.kill(pid, signal.SIGCONT)

    def _family(self):
        """The server and the processes that serve connections."""
        children = pathlib.Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        return [self._process.pid, *map(int, children)]

    def settings(self, host=None, **more):
        return {"hosts": host or f"inet:127.0.0.1:{self.port}", "user": "mail", "password": "secret", "dbname": "mail",
                "query": "SELECT v FROM m WHERE k = '%s'"} | more


_SLAPD = """
include {root}/etc/ldap/schema/core.schema
include {root}/etc/ldap/schema/cosine.schema
include {root}/etc/ldap/schema/inetorgperson.schema
modulepath {root}/usr/lib/ldap
moduleload back_mdb.la
pidfile {directory}/pid
allow bind_v2
sizelimit unlimited
sasl-host localhost
authz-policy to
authz-regexp "cn=peercred,cn=external,cn=auth$" "cn=second,ou=people,dc=test"
authz-regexp "^uid=([^,]+),.*cn=auth$" "cn=$1,ou=people,dc=test"
database mdb
maxsize 10485760
directory {directory}/data
suffix "dc=test"
rootdn "cn=mail,dc=test"
rootpw secret
access to attrs=description by dn="cn=mail,dc=test" read by self read by * none
access to attrs=userPassword by * auth
access to * by * read
dbnosync
"""

_GROUPS = """
dn: cn=group,dc=test
objectClass: groupOfNames
objectClass: extensibleObject
cn: group
member: cn=first,ou=people,dc=test
member: cn=second,ou=people,dc=test
member: cn=gone,ou=people,dc=test
labeledURI: ldap:///ou=people,dc=test?mail?one?(sn=url)
mail: group@example.com

dn: ou=people,dc=test
objectClass: organizationalUnit
ou: people

dn: cn=first,ou=people,dc=test
objectClass: inetOrgPerson
cn: first
sn: plain
mail: first@example.com
description: only with a password
userPassword: sesame
authzTo: dn.exact:cn=second,ou=people,dc=test

dn: cn=second,ou=people,dc=test
objectClass: inetOrgPerson
cn: second
sn: url
mail: second@example.com
mail: also@example.com
description: of the second

dn: cn=loop,dc=test
objectClass: groupOfNames
cn: loop
member: cn=loop,dc=test

"""


class Slapd(DatabaseServer):
    """Entries with the key in cn and the value in o below ou=rows,dc=test; groups and people (_GROUPS).

    With SASL, `first` has the password `sesame` and may act as `second`, who is whoever comes through the UNIX socket.
    Each of them reads the description of nobody else. The server has fewer mechanisms than its clients: no NTLM.
    """

    MECHANISMS = ("libcrammd5.so", "libdigestmd5.so", "libscram.so")

    def prepare(self):
        (self.directory / "slapd.conf").write_text(_SLAPD.format(root=YARDSTICK_ROOT, directory=self.directory))
        mechanisms = self.directory / "sasl"
        mechanisms.mkdir()
        for name in self.MECHANISMS:
            (mechanisms / name).symlink_to(next(pathlib.Path("/usr/lib").glob(f"*/sasl2/{name}")))
        data = self.directory / "data"
        data.mkdir()
        if self._identity:
            os.chown(data, self._identity["user"], self._identity["group"])
        entries = "dn: dc=test\nobjectClass: dcObject\nobjectClass: organization\ndc: test\no: test\n\n"
        entries += "dn: ou=rows,dc=test\nobjectClass: organizationalUnit\nou: rows\n\n"
        values = {}
        for key, value in ROWS:
            values.setdefault(key, []).extend([value] if value else [])
        for number, (key, found) in enumerate(values.items()):
            entries += (f"dn: ou=row{number},ou=rows,dc=test\nobjectClass: organizationalUnit\n"
                        f"objectClass: extensibleObject\nou: row{number}\ncn: {key}\n"
                        + "".join(f"o: {value}\n" for value in found) + "\n")
        self.run(tool("slapadd"), "-q", "-f", self.directory / "slapd.conf", stdin=entries + _GROUPS)

    def command(self):
        local = str(self.socket).replace("/", "%2F")
        return ["env", f"SASL_PATH={self.directory}/sasl", tool("slapd"), "-d", "0", "-f", self.directory / "slapd.conf", "-h",
                f"ldap://127.0.0.1:{self.port} ldapi://{local}"]

    def settings(self, host=None, **more):
        return {"server_host": host or f"ldap://127.0.0.1:{self.port}", "version": "3", "bind": "no",
                "search_base": "ou=rows,dc=test", "query_filter": "(cn=%s)", "result_attribute": "o"} | more


class Redis(DatabaseServer):
    """The rows as strings, the last value of a key; and as fields of the hash `rows`. Password: secret."""

    READY = "Ready to accept connections"

    def command(self):
        return [tool("redis-server"), "--bind", "127.0.0.1", "--port", self.port, "--requirepass", "secret",
                "--dir", self.directory, "--appendonly", "yes", "--save", ""]

    def fill(self):
        words = [("AUTH", "secret")]
        for key, value in ROWS:
            words += [("SET", key, value or ""), ("HSET", "rows", key, value or "")]
        text = b"".join(b"*%d\r\n" % len(line) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in (
            word.encode() for word in line)) for line in words)
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as client:
            client.sendall(text)
            answers = b""
            while answers.count(b"\r\n") < len(words):
                answers += client.recv(65536)
            assert b"-" not in answers, answers

    def settings(self, host=None, **more):
        return {"redis": host or f"inet:127.0.0.1:{self.port}", "password": "secret", "retry_pause": "0"} | more


class Memcached(DatabaseServer):
    """Those of the rows whose key it takes, the last value of each. It forgets them when it ends."""

    def command(self):
        user = ["-u", ACCOUNT] if os.getuid() == 0 else []
        return [tool("memcached"), "-l", "127.0.0.1", "-p", self.port, "-U", "0", "-m", "8", *user]

    def start(self):
        (self.directory / "filled").unlink(missing_ok=True)
        super().start()

    def fill(self):
        rows = [(key.encode(), (value or "").encode()) for key, value in ROWS if " " not in key]
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as client:
            for key, value in rows:
                client.sendall(b"set %s 0 0 %d\r\n%s\r\n" % (key, len(value), value))
                assert client.recv(100) == b"STORED\r\n"

    def settings(self, host=None, **more):
        return {"memcache": host or f"inet:127.0.0.1:{self.port}", "retry_pause": "0", "max_try": "1"} | more
