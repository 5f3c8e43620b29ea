"""postmap, postalias and newaliases as programs: exit status, privileges, and that no reader ever sees half a table."""
import json
import os
import pathlib
import socketserver
import struct
import subprocess
import threading

import pytest

from support.paths import BUILD


class Commands:
    """The table commands in a directory with a main.cf of its own."""

    def __init__(self, directory):
        self.directory = directory
        self.configure()

    def configure(self, **parameters):
        lines = {"queue_directory": self.directory, "command_directory": BUILD / "sbin",
                 "maillog_file": self.directory / "log", "maillog_file_prefixes": "/"}
        lines |= parameters
        (self.directory / "main.cf").write_text("".join(f"{name} = {value}\n" for name, value in lines.items()))

    def write(self, name, text):
        path = self.directory / name
        path.write_text(text)
        return path

    def run(self, program, *arguments):
        return subprocess.run([BUILD / "sbin" / program, *map(str, arguments)], cwd=self.directory, text=True, check=False,
                              capture_output=True, env={**os.environ, "MAIL_CONFIG": str(self.directory)})


@pytest.fixture
def commands(tmp_path):
    return Commands(tmp_path)


def test_newaliases_rebuilds_every_table_of_alias_database(commands):
    for name in ("one", "two"):
        commands.write(name, f"root: {name}\n")
    commands.configure(alias_database=f"hash:{commands.directory}/one, lmdb:{commands.directory}/two")
    result = commands.run("newaliases")
    assert result.returncode == 0, result.stderr
    assert commands.run("postalias", "-q", "root", "hash:one").stdout == "one\n"
    assert commands.run("postalias", "-q", "root", "lmdb:two").stdout == "two\n"


def test_default_database_type_is_used_where_no_type_is_named(commands):
    commands.configure(default_database_type="lmdb")
    commands.write("t", "key value\n")
    assert commands.run("postmap", "t").returncode == 0
    assert (commands.directory / "t.lmdb").exists()
    assert commands.run("postmap", "-q", "key", "t").stdout == "value\n"


def test_lmdb_map_size_is_the_size_that_a_new_database_begins_with(commands):
    commands.configure(lmdb_map_size=1 << 20)
    commands.write("t", "key value\n")
    assert commands.run("postmap", "lmdb:t").returncode == 0
    meta_page = (commands.directory / "t.lmdb").read_bytes()[16:]           # behind the page's header
    _magic, _version, _address, size = struct.unpack_from("=IIQQ", meta_page)
    assert size == 1 << 20


def system_io(commands, program, *arguments, stdin=None):
    """What the program has read and written, from the kernel's account of it: {"rchar": bytes, "wchar": bytes, ...}."""
    process = subprocess.Popen([BUILD / "sbin" / program, *arguments], cwd=commands.directory, stdin=stdin,
                               stdout=subprocess.DEVNULL, env={**os.environ, "MAIL_CONFIG": str(commands.directory)})
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    account = pathlib.Path(f"/proc/{process.pid}/io").read_text()
    assert process.wait() == 0
    return {name: int(number) for name, number in (line.split(": ") for line in account.splitlines())}


def test_berkeley_db_buffers_spare_reading_and_writing(commands):
    """With little memory, pages of the file come and go."""
    count = 10000
    commands.write("t", "".join(f"key{number * 7919 % count:06} {number} and more\n" for number in range(count)))
    large = system_io(commands, "postmap", "hash:t")
    commands.configure(berkeley_db_create_buffer_size=32768)
    assert system_io(commands, "postmap", "hash:t")["wchar"] > 3 * large["wchar"]
    keys = commands.write("keys", "".join(f"key{number * 6007 % count:06}\n" for number in range(2000)))
    small = system_io(commands, "postmap", "-q", "-", "hash:t", stdin=keys.open())
    commands.configure(berkeley_db_read_buffer_size=16 << 20)
    assert system_io(commands, "postmap", "-q", "-", "hash:t", stdin=keys.open())["rchar"] < small["rchar"] - 1_000_000


def test_readers_see_the_old_table_or_the_new_one_while_it_is_made_again(commands):
    """Two versions of a large table alternate; every query finds its key in one of them."""
    for version in ("old", "new"):
        commands.write(version, "".join(f"key{number} {version}\n" for number in range(20000)))
    source = commands.directory / "t"
    source.write_text((commands.directory / "old").read_text())
    assert commands.run("postmap", "hash:t").returncode == 0
    finished = threading.Event()

    def rebuild():
        for round_number in range(6):
            source.write_text((commands.directory / ("old", "new")[round_number % 2]).read_text())
            commands.run("postmap", "hash:t")
        finished.set()

    writer = threading.Thread(target=rebuild)
    writer.start()
    answers = []
    while not finished.is_set():
        result = commands.run("postmap", "-q", "key19999", "hash:t")
        answers.append((result.returncode, result.stdout, result.stderr))
    writer.join()
    assert answers and {answer[1] for answer in answers} <= {"old\n", "new\n"}, answers


@pytest.mark.needs_root
def test_root_makes_tables_with_the_rights_of_the_source_owner(commands):
    theirs = commands.directory / "theirs"
    theirs.mkdir()
    (theirs / "t").write_text("k v\n")
    commands.write("ours", "k v\n")
    for path in (theirs, theirs / "t"):
        os.chown(path, 65534, 65534)
    for parent in [commands.directory, *commands.directory.parents][:-2]:
        if parent != pathlib.Path("/tmp"):
            os.chmod(parent, 0o755)
    assert commands.run("postmap", "hash:theirs/t", "hash:ours").returncode == 0
    assert (theirs / "t.db").stat().st_uid == 65534
    assert (commands.directory / "ours.db").stat().st_uid == 0
    os.chown(theirs / "t.db", 0, 0)
    refused = commands.run("postmap", "hash:theirs/t")
    assert (refused.returncode, refused.stderr) == (1, "postmap: fatal: open database theirs/t.db: Permission denied\n")


def test_json_has_an_object_a_line(commands):
    commands.write("t", 'key a "quoted" value\nother two\n')
    assert commands.run("postmap", "hash:t").returncode == 0
    entry = '{"key": "a \\"quoted\\" value"}\n'
    assert commands.run("postmap", "-jq", "key", "hash:t").stdout == entry
    assert sorted(commands.run("postmap", "-js", "hash:t").stdout.splitlines()) == [entry.rstrip(), '{"other": "two"}']
    assert json.loads(entry) == {"key": 'a "quoted" value'}
    unknown = commands.run("postmap", "-jq", "unknown", "hash:t")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    commands.write("aliases", "root: one\n")
    assert commands.run("postalias", "hash:aliases").returncode == 0
    assert commands.run("postalias", "-jq", "root", "hash:aliases").stdout == '{"root": "one"}\n'


class SocketmapThatRepeats(socketserver.StreamRequestHandler):
    """socketmap_table(5): netstrings. The value of a key is the key twice."""

    def handle(self):
        length = b""
        while (byte := self.rfile.read(1)) not in (b":", b""):
            length += byte
        if length:
            key = self.rfile.read(int(length) + 1)[:-1].split(b" ", 1)[1]
            answer = b"OK " + key + key
            self.wfile.write(b"%d:%s," % (len(answer), answer))


@pytest.fixture
def socketmap():
    """The name of a table on such a server."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), SocketmapThatRepeats) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"socketmap:inet:127.0.0.1:{server.server_address[1]}:repeat"
        server.shutdown()


def is_query_error(result, reason):
    return (result.returncode, result.stdout) == (1, "") and f": query error: {reason}" in result.stderr


def test_a_socketmap_query_beyond_socketmap_max_query_size_is_an_error(commands, socketmap):
    commands.configure(socketmap_max_query_size=20)
    assert commands.run("postmap", "-q", "a" * 13, socketmap).stdout == "a" * 26 + "\n"
    assert is_query_error(commands.run("postmap", "-q", "a" * 14, socketmap), "the query exceeds socketmap_max_query_size")


def test_a_socketmap_reply_beyond_socketmap_max_reply_size_is_an_error(commands, socketmap):
    commands.configure(socketmap_max_reply_size=23)
    assert commands.run("postmap", "-q", "a" * 10, socketmap).stdout == "a" * 20 + "\n"
    assert is_query_error(commands.run("postmap", "-q", "a" * 11, socketmap), "input exceeds size limit")
