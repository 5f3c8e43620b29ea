"""The declarations say what the code and the default master.cf say."""
import re
import subprocess
import sys
import tomllib

import pytest

from support.paths import ROOT

MODELS = {"Processes": "processes", "Clients": "clients", "ClientsPerCore": "clients_per_core"}


def declared(name):
    return tomllib.loads((ROOT / "declare" / name).read_text())


def test_services_are_those_of_the_default_master_cf():
    expected = {(entry.get("name", key), *entry["line"], entry.get("command", entry["program"]))
                for key, entry in declared("services.toml").items() if "line" in entry}
    lines = [line.split() for line in (ROOT / "conf/master.cf").read_text().splitlines()
             if line[:1] not in ("#", " ", "")]
    assert {tuple(fields[:8]) for fields in lines} == expected


def test_what_maxproc_bounds_is_what_the_code_says():
    for key, entry in declared("services.toml").items():
        folder = ROOT / "src/daemon" / entry["program"]
        if not folder.exists():
            continue
        text = (folder / "service.h").read_text()
        found = re.search(r"process_model = \S*ProcessModel::(\w+)", text)
        model = MODELS[found[1]] if found else "clients" if "DeliveryService" in text else "processes"
        assert model == entry["clients"], key


def test_master_stops_those_last_whom_others_ask():
    """But for the queue manager, to whom nobody reports at a stop, and flush, whose clients are cut off by then."""
    services = declared("services.toml")
    asked = {peer for entry in services.values() for peer in entry["peers"]} - {"qmgr", "flush", "every transport"}
    text = (ROOT / "src/daemon/master/supervisor.cc").read_text()
    helpers = set(re.findall(r'"([a-z-]+)"', re.search(r"helpers\{([^}]*)\}", text)[1]))
    assert {services[peer]["program"] for peer in asked} <= helpers
    assert helpers <= {entry["program"] for entry in services.values()}
    assert re.search(r'table_helper = "proxymap";.*== table_helper\)\s+return Turn::Tables;', text, re.S)
    turns = re.search(r"enum class Turn : \w+ \w+ \{([^}]*)\}", (ROOT / "src/daemon/master/supervisor.h").read_text())
    assert turns[1].strip().split(", ")[-4:] == ["Helpers", "Tables", "Log", "Over"], "helpers ask proxymap for proxy: tables"


def test_postfix_check_knows_who_asks_whom():
    """pickup and showq are asked by commands, and of the transports error(8) is always asked."""
    text = (ROOT / "src/command/postfix/check_peers.cc").read_text()
    lists = dict(re.findall(r'string_view (\w+) = "([^"]*)";', text))
    checked = {name: set(lists.get(programs, programs.strip('"')).split()) - {"nqmgr", "oqmgr"} for name, programs in
               re.findall(r'Peer\{\.name = "(\w+)",.*?\.programs = (\w+|"[^"]*")', text, re.S)}
    asked = {}
    for entry in declared("services.toml").values():
        for peer in entry["peers"]:
            asked.setdefault(peer, set()).add(entry.get("command", entry["program"]))
    del asked["every transport"]
    assert checked == asked | {name: {"qmgr"} for name in ("pickup", "showq", "error")}


@pytest.mark.parametrize("folder, name, kind", [("daemon", "services.toml", "program"),
                                                ("command", "commands.toml", None)])
def test_every_program_is_declared(folder, name, kind):
    known = {entry.get(kind, key) if kind else key for key, entry in declared(name).items()}
    folders = {path.parent.name for path in (ROOT / "src" / folder).glob("*/main.cc")}
    assert folders - known - {"master"} == set()


@pytest.fixture(name="pages", scope="module")
def _pages(tmp_path_factory):
    directory = tmp_path_factory.mktemp("man")
    subprocess.run([sys.executable, ROOT / "declare/generate.py", "man", directory], check=True)
    return {path.name: path.read_text() for path in directory.glob("man?/*")}


def test_the_page_of_a_daemon_lists_the_parameters_that_it_reads(pages):
    listed = re.findall(r"^\.IP \"\\fB(\w+)\\fR", pages["anvil.8"].split(".SH CONFIGURATION PARAMETERS")[1], re.M)
    assert listed == ["anvil_rate_time_unit", "anvil_status_update_time"]


def test_other_names_of_a_program_lead_to_its_page(pages):
    assert pages["mailq.1"] == ".so man1/sendmail.1\n"
    assert pages["lmtp.8"] == ".so man8/smtp.8\n"


def test_an_option_that_a_program_does_not_have_and_one_that_its_page_misses_are_found(pages, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "declare"))
    import manual_check          # noqa: PLC0415  (not on the path before)
    wrong = pages | {"postkick.1": pages["postkick.1"].replace(r"\fB\-v\fR", r"\fB\-y\fR")}
    assert manual_check.problems(wrong, ROOT / "declare") == [
        "postkick.1: postkick has no option -y", "postkick.1: the option -v of postkick is missing"]


def test_a_program_without_a_page_and_a_page_with_a_slip_are_found(pages, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "declare"))
    import manual_check          # noqa: PLC0415
    wrong = {name: text for name, text in pages.items() if name != "anvil.8"}
    wrong["discard.8"] += ".NO-SUCH-MACRO\n"
    found = manual_check.problems(wrong, ROOT / "declare")
    assert "anvil(8): there is no page (man/anvil.8.text)" in found
    assert any("NO-SUCH-MACRO" in text for text in found)


def test_the_manual_says_which_words_a_value_may_be(pages):
    def value(name):
        section = pages["postconf.5"].split(f'.SS "{name} (default')[1].split(".SS")[0].replace("\\", "")
        return re.search(r"Value: (.*?)\. Used by", section)[1]

    assert value("smtp_address_preference") == "any, ipv4 or ipv6"
    assert value("lmtp_host_lookup") == "one or more of dns or native, separated by comma or space"
    assert value("smtp_dns_support_level") == "disabled, enabled or dnssec, or empty"
    assert value("smtp_dns_resolver_options") == \
        "one or more of res_defnames or res_dnsrch, separated by comma or space, or empty; upper and lower case differ"
    assert value("smtpd_banner") == "text"


@pytest.mark.parametrize("fields, problem", [
    ('default = "c"\nwords = ["a", "b"]', "default c: c is none of its words"),
    ('default = ""\nwords = ["a"]\nword_list = true', "default : empty is none of its words"),
    ('default = "a"\nword_list = true', "word_list and exact_case go with words"),
    ('default = "A"\nwords = ["A"]', "words A: expected lower-case letters, digits and _")])
def test_words_that_cannot_be_meant_are_refused(tmp_path, monkeypatch, fields, problem):
    monkeypatch.syspath_prepend(str(ROOT / "declare"))
    import parameters            # noqa: PLC0415
    (tmp_path / "parameters").mkdir()
    (tmp_path / "postfix-names.txt").write_text("")
    (tmp_path / "parameters/x.toml").write_text(
        f'[[parameter]]\nname = "x"\ntype = "str"\n{fields}\nused_by = ["all"]\nsince = "posthaste 0.1"\ndoc = "x"\n')
    with pytest.raises(parameters.DeclarationError, match=problem):
        parameters.load(tmp_path)
