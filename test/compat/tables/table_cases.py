"""The matrix of tables: each type, asked with each kind of key; commands that fail; sources with mistakes.

`record.py` asks Debian's Postfix and keeps the answers, test_tables.py asks ours. Keys go through `postmap -q -`, many
to a process; a key whose lookup fails ends the process, so that such keys have a command each.
"""
import os
import re
import sqlite3
import subprocess

from support.database_servers import MariaDb, Postgres, Slapd
from table_servers import Servers

# --- each kind of key, as bytes; every table of TABLES is asked for all of them
KEYS = {
    "plain": b"plain", "upper case": b"PLAIN", "mixed case": b"pLaIn", "absent": b"absent", "prefix": b"plai",
    "longer": b"plainer", "blank inside": b"two words", "leading blank": b" plain", "trailing blank": b"plain ",
    "tab": b"a\tb", "address": b"user@example.com", "address in capitals": b"User@Example.COM",
    "extension": b"user+ext@example.com", "local part": b"user", "at domain": b"@example.com", "domain": b"example.com",
    "dot domain": b".example.com", "subdomain": b"a.b.example.com", "wildcard": b"*", "address, no domain": b"user@",
    "IPv4": b"192.0.2.1", "IPv4 network": b"192.0.2", "IPv6": b"2001:db8::1", "IPv6 long": b"2001:0db8:0:0:0:0:0:1",
    "UTF-8": "jörg".encode(), "UTF-8 in capitals": "JÖRG".encode(), "not UTF-8": b"j\xf6rg", "number": b"42",
    "quotes": b'"q k"', "apostrophe": b"o'neil", "percent": b"100%41", "backslash": b"a\\b", "dollar": b"$1",
    "equals": b"a=b", "colon": b"a:b", "hash": b"#no comment", "long": b"x" * 300, "brackets": b"[192.0.2.1]",
}

_SOURCE = """plain value
two words
user@example.com someone@example.org
user+ext@example.com extended
user local
@example.com catch all
example.com domain value
.example.com subdomains
* anything
192.0.2.1 a host
192.0.2 a network
2001:db8::1 six
jörg umlaut
42 number
"q k" quoted
o'neil apostrophe
100%41 percent
a\\b backslash
$1 dollar
a=b equals
a:b colon
[192.0.2.1] brackets
""" + "x" * 300 + " long\n"
_INLINE = ("inline:{plain=value, {spaced = two words}, user@example.com=someone, @example.com=all, *=any, 192.0.2.1=host, "
           "2001:db8::1=six, jörg=umlaut, 42=n, 100%%41=p, {a=b=equals}, a:b=colon}")
_RULES = r"""/^plain$/ value
/^two (.*)$/ rest=$1
/^user\+(.*)@(.*)$/ ext=${1} dom=$(2)
if /@/
/^(user)@/ $1 at
!/^@/ not at the beginning
/^@(.*)/ all of $1
endif
/^[0-9.]+$/ digits
/:/ has colon
/^j/ j
/^\$/ dollar $$
/^x{200}/ long
/^\*$/ star
/%/ percent %s
/\\/ backslash
/^EXAMPLE\.com$/ any case
/^PLAIN $/i trailing
"""
_NETWORKS = """192.0.2.0/28 small
192.0.2.0/24 large
!10.0.0.0/8 not ten
2001:db8::/32 six
"""
_SQL = "SELECT v FROM m WHERE k='%s'"

_LOGIN = "user = mail\npassword = secret\ndbname = mail\n"
_SERVERS = {
    "mysql": "hosts = inet:127.0.0.1:MYSQL\n" + _LOGIN,
    "pgsql": "hosts = inet:127.0.0.1:PGSQL\n" + _LOGIN,
    "ldap": "server_host = ldap://127.0.0.1:LDAP\nversion = 3\nbind = no\nsearch_base = ou=rows,dc=test\n",
}
_ASKS = {**dict.fromkeys(("mysql", "pgsql"), f"query = {_SQL}\n"), "ldap": "query_filter = (cn=%s)\nresult_attribute = o\n"}

# name: (table, files, command that makes it)
TABLES = {
    **{kind: (f"{kind}:DIR/q.cf", {"q.cf": _SERVERS[kind] + _ASKS[kind]}, None) for kind in _SERVERS},
    **{f"{kind} with templates": (f"{kind}:DIR/q.cf", {
        "q.cf": _SERVERS[kind] + "query = SELECT '%u|%d|%S|%1|%2'\ndomain = example.com\nresult_format = %s (%D)\n"}, None)
       for kind in ("mysql", "pgsql")},
    "ldap with templates": ("ldap:DIR/q.cf", {
        "q.cf": _SERVERS["ldap"] + _ASKS["ldap"] + "domain = example.com\nresult_format = %u (%D)\n"}, None),
    **{type: (f"{type}:t", {"t": _SOURCE}, f"postmap {type}:t") for type in ("hash", "btree", "lmdb", "cdb")},
    **{f"{type} without NUL": (f"{type}:t", {"t": _SOURCE}, f"postmap -n {type}:t")
       for type in ("hash", "btree", "lmdb", "cdb")},
    **{f"{type} with NUL": (f"{type}:t", {"t": _SOURCE}, f"postmap -N {type}:t") for type in ("lmdb", "cdb")},
    "texthash": ("texthash:t", {"t": _SOURCE}, None),
    "inline": (_INLINE, {}, None),
    "static": ("static:{the text}", {}, None),
    "environ": ("environ:x", {}, None),
    "internal": ("internal:x", {}, None),
    "unix": ("unix:passwd.byname", {}, None),
    "cidr": ("cidr:t", {"t": _NETWORKS}, None),
    "regexp": ("regexp:t", {"t": _RULES}, None),
    "pcre": ("pcre:t", {"t": _RULES}, None),
    "pipemap": ("pipemap:{" + _INLINE + ",regexp:{{/^(.*)$/ <$1>}}}", {}, None),
    "unionmap": ("unionmap:{" + _INLINE + ",static:x,regexp:{{/@/ at}}}", {}, None),
    "randmap": ("randmap:{one}", {}, None),
    "sqlite": ("sqlite:DIR/q.cf", {"q.cf": f"dbpath = DIR/db\nquery = {_SQL}\n"}, None),
    "sqlite with templates": ("sqlite:DIR/q.cf", {"q.cf": "dbpath = DIR/db\nquery = SELECT '%u|%d|%S|%1|%2'\n"
                                                  "domain = example.com\nresult_format = %s (%D)\n"}, None),
    "socketmap": ("socketmap:inet:127.0.0.1:SOCKETMAP:name", {}, None),
    "tcp": ("tcp:127.0.0.1:TCP", {}, None),
    "memcache": ("memcache:DIR/m.cf", {"m.cf": "memcache = inet:127.0.0.1:MEMCACHE\n"}, None),
    "memcache with key_format": ("memcache:DIR/m.cf", {
        "m.cf": "memcache = inet:127.0.0.1:MEMCACHE\nkey_format = p:%u:%d\nbackup = static:from backup\n"}, None),
}

_MISTAKES = {
    "no value": "a b\nnovalue\nc d\n", "comment between": "a b\n# c\n c\n", "begins with blank": " a b\nc d\n",
    "CRLF": "a b\r\nc d\r\n", "no final newline": "a b\nc d", "empty": "", "only comment": "# nothing\n",
    "duplicate": "a b\nA c\n", "unterminated quote": '"a b\nc d\n', "continuation": "a b\n c\n\td\ne f\n",
    "blank value": "a   \nb c\n", "not UTF-8": "a b\nj\udcf6 c\n", "colon key": "a: b\n", "tab": "a\tb\tc\n",
}
_REFUSED = ["cidr", "environ", "inline", "internal", "memcache", "pcre", "pipemap", "randmap", "regexp", "socketmap",
            "sqlite", "static", "tcp", "texthash", "unionmap"]
_INDEXES = {"hash": "db", "btree": "db", "lmdb": "lmdb", "cdb": "cdb"}
_SQLITE = {
    "no dbpath": "query = x\n", "no query": "dbpath = DIR/db\n", "no equals": "dbpath = DIR/db\nnoequals\n",
    "bad query template": "dbpath = DIR/db\nquery = %z\n", "limit": f"dbpath = DIR/db\nquery = {_SQL}\nexpansion_limit = 1\n",
    "bad result template": f"dbpath = DIR/db\nquery = {_SQL}\nresult_format = %z\n", "no database": f"dbpath = DIR/nonex/db\nquery = {_SQL}\n",
    "bad SQL": "dbpath = DIR/db\nquery = SELEC x\n", "legacy": "dbpath = DIR/db\ntable = m\nselect_field = v\nwhere_field = k\n"
    "additional_conditions = AND v='one'\n", "unknown setting": f"dbpath = DIR/db\nquery = {_SQL}\nfoo = bar\n",
    "result of a value": f"dbpath = DIR/db\nquery = {_SQL}\nresult_format = %u at %d\n",
}
_SYNTAX = ["static:{a", "static:{a}b", "inline:{}", "inline:a=b", "inline:{a}", "inline:{a=b", "inline:{=b}", "inline:{a=}",
           "pipemap:{}", "pipemap:static:a", "pipemap:{x}", "pipemap:{static:a", "pipemap:{static:a}x", "pipemap:{fail:x}",
           "pipemap:{hash:nonex}", "unionmap:{}", "unionmap:static:a", "unionmap:{x}", "unionmap:{static:a",
           "unionmap:{static:a}x", "unionmap:{fail:x}", "unionmap:{static:a,,static:b}", "unionmap:{static:{a b},static:c}",
           "pipemap:{inline:{k=v},inline:{v=w}}", "pipemap:{inline:{k=v},inline:{z=w}}", "pipemap:{inline:{z=v},fail:x}",
           "randmap:{}", "randmap:a", "randmap:{a", "randmap:{a}x", "randmap:{{a b}}", "randmap:{{a}b}", "fail:x",
           "unix:nosuch", "unix:group.byname", "socketmap:foo", "socketmap:inet:127.0.0.1", "socketmap:unix:x", "socketmap::x",
           "socketmap:inet:127.0.0.1:1:x", "socketmap:unix:/nonex:x", "socketmap:local:/nonex:x", "socketmap:inet:127.0.0.1:x",
           "cidr:nonex", "regexp:nonex", "pcre:nonex", "texthash:nonex", "hash:nonex", "btree:nonex", "lmdb:nonex", "cdb:nonex",
           "memcache:DIR/nonex", "sqlite:DIR/nonex", "nocolon:", ":x", "dbm:x", "sdbm:x", "mongodb:x", "netinfo:x",
           "cidr:{{192.0.2.1 x}}", "regexp:{{/k/ x}}", "pcre:{{/k/ x}}", "regexp:{/k/ x}", "pcre:{{/k/ x}", "cidr:{}"]
_SOCKETMAP = ["ok", "val", "two", "nf", "nf2", "nf3", "temp", "temp0", "perm", "tmo", "bad", "empty", "noterm", "nolen", "close",
              "okempty", "lower", "neg", "zero", "half", "big"]
_TCP = ["val", "sp", "nf", "temp", "bad", "empty", "empty0", "badhex", "code", "crlf", "neg", "blank", "500"]
_MEMCACHE = ["val", "miss", "err", "serr", "bad", "short", "empty", "other", "long", "stale"]


_SQL_SERVER = {
    "limit": "expansion_limit = 1\n", "no such user": "user = nobody\n", "bad SQL": "query = SELEC x\n",
    "no such table": "query = SELECT 1 FROM nothing\n", "bad query template": "query = %z\n", "no dbname": "dbname =\n",
    "bad result template": "result_format = %z\n", "no rows": "query = UPDATE m SET v = v WHERE k = '%s'\n",
    "legacy": "query =\ntable = m\nselect_field = v\nwhere_field = k\nadditional_conditions = AND v='one'\n",
    "several columns": "query = SELECT k, v FROM m WHERE k='%s'\n", "bad number": "expansion_limit = x\n",
    "result of a value": "result_format = %u at %d\n", "key of a value": "result_format = %s of %U\n",
}
_DIRECTORY = {
    "limit": "expansion_limit = 1\n", "size limit": "query_filter = (o=*)\nsize_limit = 1\n", "no base": "search_base = dc=nothing\n",
    "base with a key": "search_base = cn=%s,ou=people,dc=test\nscope = base\nresult_attribute = mail\nquery_filter = (objectClass=*)\n",
    "bad filter": "query_filter = (cn=%s\n", "bad template": "query_filter = %z\n", "bad scope": "scope = all\n",
    "bad bind": "bind = perhaps\n", "bind": "bind = yes\nbind_dn = cn=mail,dc=test\nbind_pw = secret\n",
    "wrong password": "bind = yes\nbind_dn = cn=mail,dc=test\nbind_pw = wrong\n", "bad number": "size_limit = x\n",
    "result_filter": "result_filter = <%s>\n", "no recursion": "recursion_limit = 0\n", "several attributes": "result_attribute = cn o\n",
    "scope one": "search_base = dc=test\nscope = one\n",
}
_GROUP = "search_base = dc=test\nresult_attribute =\nspecial_result_attribute = member, labeledURI\n"
_GROUPS = {
    "leaf": "leaf_result_attribute = mail\n", "plain": "result_attribute = mail\n", "DN only": "special_result_attribute = member\nresult_attribute = mail\n",
    "terminal": "leaf_result_attribute = mail\nterminal_result_attribute = mail\n", "recursion": "recursion_limit = 9\n",
}


def _server_commands():
    """Questions for SQL and LDAP servers. A later line of the same name counts."""
    cases = {}
    ask = ["multi", "'*'"]
    for kind, base in _SERVERS.items():
        for name, text in (_SQL_SERVER if kind != "ldap" else _DIRECTORY).items():
            keys = ask if name != "base with a key" else ["first", "plain"]
            cases[f"{kind}: {name}"] = ({"q.cf": base + _ASKS[kind] + text},
                                        [f"postmap -q {key} {kind}:DIR/q.cf" for key in keys])
        down = base.replace(":" + kind.upper(), ":1")
        cases[f"{kind}: down"] = ({"q.cf": down + _ASKS[kind]}, [f"postmap -q k {kind}:DIR/q.cf"])
        cases[f"{kind}: in a list"] = ({"q.cf": base + _ASKS[kind]}, [f"postmap -q a@b 'unionmap:{{{kind}:DIR/q.cf,static:x}}'"])
        cases[f"make {kind}"] = ({"q.cf": base + _ASKS[kind]}, [f"postmap {kind}:DIR/q.cf", f"postmap -s {kind}:DIR/q.cf"])
        cases[f"{kind}: no file"] = ({}, [f"postmap -q k {kind}:DIR/nonex"])
    for name, text in _GROUPS.items():
        cases[f"ldap group: {name}"] = ({"q.cf": _SERVERS["ldap"] + _ASKS["ldap"] + _GROUP + text},
                                        [f"postmap -q {key} ldap:DIR/q.cf" for key in ("group", "first", "loop")])
    cases["mysql: procedures"] = ({"q.cf": _SERVERS["mysql"] + "query = CALL find('%s')\n",
                                   "n.cf": _SERVERS["mysql"] + "query = CALL none('%s')\n",
                                   "o.cf": _SERVERS["mysql"] + "query = CALL none('%s')\nrequire_result_set = no\n"},
                                  [f"postmap -q {key} mysql:DIR/{file}.cf" for key in ("multi", "absent") for file in "qno"])
    return cases


def commands():
    """{name: (files, [commands])} of what is not a plain lookup."""
    cases = _server_commands()
    for mistake, text in _MISTAKES.items():
        for type in ("hash", "lmdb", "cdb", "texthash"):
            make = [] if type == "texthash" else [f"postmap {type}:t"]
            cases[f"{type} source: {mistake}"] = ({"t": text, "keys": "a\nb\nc\ne\n"}, [*make, f"postmap -q - {type}:t <keys"])
    for type in _REFUSED:
        cases[f"make {type}"] = ({"t": "a b\n"}, [f"postmap {type}:t"])
    for type, suffix in _INDEXES.items():
        for damage, text in (("empty", ""), ("garbage", "garbage" * 1000), ("short", "abc")):
            cases[f"{type} index: {damage}"] = ({f"t.{suffix}": text}, [f"postmap -q a {type}:t"])
        cases[f"{type} options"] = ({"t": "a b\nA c\n", "keys": "a\nc\n"}, [
            f"postmap -r {type}:t", f"postmap -q a {type}:t", f"postmap -w {type}:t", f"postmap -q A {type}:t", f"postmap -f {type}:t",
            f"postmap -fq A {type}:t", f"postmap -fq a {type}:t", f"postmap -q - {type}:t <keys", f"postmap {type}:nonex"])
    for name, text in _SQLITE.items():
        cases[f"sqlite: {name}"] = ({"q.cf": text}, ["postmap -q plain sqlite:DIR/q.cf", "postmap -q multi sqlite:DIR/q.cf",
                                                    "postmap -q user@example.com sqlite:DIR/q.cf"])
    for table in _SYNTAX:
        cases[f"query {table}"] = ({}, [f"postmap -q k '{table}'"])
    for key in _SOCKETMAP:
        cases[f"socketmap reply {key}"] = ({}, [f"postmap -q {key} socketmap:inet:127.0.0.1:SOCKETMAP:errors"])
    for key in _TCP:
        cases[f"tcp reply {key}"] = ({}, [f"postmap -q {key} tcp:127.0.0.1:TCP"])
    for key in _MEMCACHE:
        cases[f"memcache reply {key}"] = ({"m.cf": "memcache = inet:127.0.0.1:MEMCACHE\nmax_try = 1\n"},
                                          [f"postmap -q {key} memcache:DIR/m.cf"])
    cases["memcache down, with backup"] = ({"m.cf": "memcache = inet:127.0.0.1:1\nbackup = inline:{k=b}\n"}, [
        "postmap -q k memcache:DIR/m.cf", "postmap -q other memcache:DIR/m.cf", "postmap -s memcache:DIR/m.cf"])
    return cases


class Runner:
    """Runs commands of one system in fresh directories, with the servers that network tables need."""

    def __init__(self, scratch, configuration, environment, program_path):
        self._scratch, self._configuration = scratch, configuration
        self._environment, self._program_path = environment, program_path
        self._servers = Servers()
        self._databases = {"MYSQL": MariaDb(), "PGSQL": Postgres(), "LDAP": Slapd()}
        self._ports = self._servers.ports | {name: server.port for name, server in self._databases.items()}
        self._count = 0

    def close(self):
        self._servers.close()
        for server in self._databases.values():
            server.close()

    def lookups(self, name):
        """{kind of key: value, or None} and the warnings of one table of TABLES."""
        table, files, make = TABLES[name]
        directory = self._directory(files)
        made = self._run(directory, make) if make else {"errors": []}
        (directory / "keys").write_bytes(b"\n".join(KEYS.values()) + b"\n")
        told = self._run(directory, f"postmap -q - '{table}' <keys")
        lines = told["output"].split("\n")
        values = {kind: next((line[len(text) + 1:] for line in lines if line.startswith(text + "\t")), None)
                  for kind, text in ((kind, key.decode("utf-8", "surrogateescape")) for kind, key in KEYS.items())}
        return {"values": values, "exit": told["exit"], "errors": made["errors"] + told["errors"]}

    def command(self, name):
        files, lines = commands()[name]
        directory = self._directory(files)
        return [self._run(directory, line) for line in lines]

    def _directory(self, files):
        self._count += 1
        directory = self._scratch / f"d{self._count}"
        directory.mkdir()
        for name, text in files.items():
            (directory / name).write_bytes(self._filled(directory, text).encode("utf-8", "surrogateescape"))
        if any(name.endswith(".cf") and "dbpath" in text for name, text in files.items()):
            with sqlite3.connect(directory / "db") as database:
                database.execute("CREATE TABLE m(k TEXT, v TEXT)")
                database.executemany("INSERT INTO m VALUES(?, ?)", [
                    ("plain", "value"), ("two words", "both"), ("user@example.com", "someone@example.org"), ("user", "local"),
                    ("jörg", "umlaut"), ("42", "number"), ("o'neil", "apostrophe"), ("multi", "one"), ("multi", "two"),
                    ("*", None), ("example.com", "")])
        return directory

    def _filled(self, directory, text):
        text = text.replace("DIR", str(directory))
        for name, port in self._ports.items():
            text = text.replace(name, str(port))
        return text

    def _run(self, directory, command):
        program, _, rest = self._filled(directory, command).partition(" ")
        result = subprocess.run(
            ["sh", "-c", f'exec "$0" {rest}', str(self._program_path(program))], cwd=directory, check=False,
            stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
            env={**os.environ, **self._environment, "MAIL_CONFIG": str(self._configuration)})
        return {"exit": result.returncode, "output": self._plain(directory, result.stdout),
                "errors": self._messages(directory, result.stderr)}

    def _plain(self, directory, data):
        text = data.decode("utf-8", "surrogateescape").replace(str(directory), "DIR")
        for name, port in self._ports.items():
            text = text.replace(str(port), name)
        return text

    def _messages(self, directory, data):
        """Messages, each once; without errno's state at the time, which is noise."""
        text = re.sub(r"^\S*/(postmap|postalias): ", r"\1: ", self._plain(directory, data), flags=re.M)
        text = re.sub(r"(query error): .*$", r"\1", text, flags=re.M)
        text = re.sub(r" \((Operation now in progress|Success)\)$", "", text, flags=re.M)
        text = text.replace(str(self._configuration), "CONFIGURATION")
        lines = [line.rstrip() for line in text.splitlines() if "overriding earlier entry" not in line]
        return list(dict.fromkeys(lines))
