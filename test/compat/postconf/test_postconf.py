"""postconf says what Debian's Postfix said (answers.json), but for what differences.toml lists with its reason.

A call that is listed there must still differ, so that the list does not outlive its entries.
"""
import concurrent.futures
import functools
import json
import pathlib
import re
import tempfile
import tomllib

import pytest
from postconf_samples import SAMPLES, answer
from sample import Sample

from support.paths import BUILD

_HERE = pathlib.Path(__file__).resolve().parent
_RECORDED = json.loads((_HERE / "answers.json").read_text())["samples"]
_LISTED = tomllib.loads((_HERE.parent / "differences.toml").read_text())
_BEYOND_POSTFIX = [re.compile(entry["pattern"], re.M) for entry in _LISTED["postconf_line"]]


def _is_listed(sample, call):
    return any(re.fullmatch(entry["sample"], sample) and re.fullmatch(entry.get("call", ".*"), call, re.S)
               for entry in _LISTED["postconf"])


def _comparable(said):
    """Postfix prints warnings in random order, and repeats some of them."""
    return said | {"errors": sorted(set(said["errors"].splitlines()))}


def _ours(sample, arguments):
    with tempfile.TemporaryDirectory(prefix="ph-", dir="/tmp") as directory:  # as long a name as in record.py: -f folds
        said = answer(sample, arguments, pathlib.Path(directory), BUILD / "sbin/postconf", {})
    for pattern in _BEYOND_POSTFIX:
        said["errors"] = pattern.sub("", said["errors"])
    return _comparable(said)


def _shown(said):
    return "\n".join(f"    {name}: {value!r}" for name, value in said.items())


def test_every_sample_is_recorded():
    assert {name: [call for call, _ in sample.calls] for name, sample in SAMPLES.items()} == \
        {name: list(answers) for name, answers in _RECORDED.items()}


@pytest.fixture(scope="module")
def pool():
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        yield threads


@pytest.mark.parametrize("name", _RECORDED)
def test_answers_as_recorded(name, pool):
    wrong = []
    calls = SAMPLES[name].calls
    all_ours = pool.map(functools.partial(_ours, SAMPLES[name]), [arguments for _, arguments in calls])
    for (call, _), ours in zip(calls, all_ours, strict=True):
        theirs = _comparable(_RECORDED[name][call])
        if theirs == ours and _is_listed(name, call):
            wrong.append(f"postconf {call}: no longer differs; take it out of differences.toml")
        if theirs != ours and not _is_listed(name, call):
            wrong.append(f"postconf {call}\n  Postfix\n{_shown(theirs)}\n  ours\n{_shown(ours)}")
    assert not wrong, "\n".join(wrong)


def test_quiet_prints_the_same_without_warnings(tmp_path):
    sample = Sample("bogus = 1\nsmtpd_recipient_limit = none\n")
    loud = answer(sample, ["-n", "nobody"], tmp_path, BUILD / "sbin/postconf", {})
    quiet = answer(sample, ["-qn", "nobody"], tmp_path, BUILD / "sbin/postconf", {})
    assert "nobody: unknown parameter" in loud["errors"]
    assert quiet == loud | {"errors": ""}
