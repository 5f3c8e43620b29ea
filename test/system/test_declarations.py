"""The declarations say what the code and the default master.cf say."""
import re
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


@pytest.mark.parametrize("folder, name, kind", [("daemon", "services.toml", "program"),
                                                ("command", "commands.toml", None)])
def test_every_program_is_declared(folder, name, kind):
    known = {entry.get(kind, key) if kind else key for key, entry in declared(name).items()}
    folders = {path.parent.name for path in (ROOT / "src" / folder).glob("*/main.cc")}
    assert folders - known - {"master"} == set()
