"""Tables answer as Debian's postmap did (answers.json), found or not, warnings included, but for what is listed here."""
import json
import pathlib

import pytest
import table_cases

from support.paths import BUILD

_RECORD = json.loads((pathlib.Path(__file__).resolve().parent / "answers.json").read_text())

# Cases in which our answer is another one: {case: reason}. Each must still differ.
_LIST = "an unknown type is answered with the reason and the list of types that exist"
_NAMED = "the message names the table"
_WHY = "a failure is logged with its reason when it is not tried again, too"
_LINES = "libpq's messages in one line have blanks where it had line ends"
_DIFFERENT = {
    "pgsql": "the encoding is UTF8, as with Postfix 3.8 and later; 3.7 asked in LATIN1",
    **dict.fromkeys((f"pgsql: {case}" for case in ("no such user", "bad SQL", "no such table", "down")), _LINES),
    **dict.fromkeys(("mysql: no rows", "mysql: procedures"), "a blank before the parenthesis"),
    "ldap: no recursion": "says both bounds",
    **dict.fromkeys(("ldap group: DN only", "ldap group: recursion"), "a DN that is gone is named in one warning, not in two"),
    **dict.fromkeys(("query dbm:x", "query sdbm:x", "query mongodb:x", "query netinfo:x"), _LIST),
    **dict.fromkeys(("query static:{a", "query static:{a}b", "query inline:{a=b"), _NAMED),
    **dict.fromkeys(("hash index: garbage", "btree index: garbage"), "without the library's own lines"),
    **dict.fromkeys(("cdb index: empty", "cdb index: short"), "says what the file is not"),
    **dict.fromkeys(("sqlite: no database", "sqlite: bad SQL"), "a lookup that fails, like those of other tables; Postfix ends the process"),
    **dict.fromkeys((f"memcache reply {key}" for key in ("err", "serr", "bad", "short", "long", "stale")), _WHY),
    "query inline:{=b}": "a name that is empty can never be found, which is said",
    "query randmap:{{a}b}": "a brace in the middle of a word ends it",
    "query socketmap:inet:127.0.0.1:x": "says which form is needed",
}


@pytest.fixture(scope="module")
def runner(tmp_path_factory):
    scratch = tmp_path_factory.mktemp("tables")
    configuration = scratch / "configuration"
    configuration.mkdir()
    (configuration / "main.cf").write_text(
        f"compatibility_level = 3.6\nqueue_directory = {scratch}\nmaillog_file = {scratch}/log\nmaillog_file_prefixes = /\n"
        f"daemon_directory = {BUILD}/libexec\n")
    runner = table_cases.Runner(scratch, configuration, {}, lambda program: BUILD / "sbin" / program)
    yield runner
    runner.close()


def _compare(case, theirs, ours):
    if case in _DIFFERENT:
        assert theirs != ours, f"no longer differs: {_DIFFERENT[case]}"
    else:
        assert ours == theirs


@pytest.mark.parametrize("table", _RECORD["lookups"])
def test_every_kind_of_key_is_answered_as_recorded(runner, table):
    _compare(table, _RECORD["lookups"][table], runner.lookups(table))


@pytest.mark.parametrize("case", _RECORD["commands"])
def test_command_answers_as_recorded(runner, case):
    _compare(case, _RECORD["commands"][case], runner.command(case))
