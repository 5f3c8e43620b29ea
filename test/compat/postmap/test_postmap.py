"""postmap and postalias answer as Debian's Postfix did (answers.json), but for the differences listed here."""
import json
import pathlib

import postmap_cases
import pytest

from support.paths import BUILD

_RECORD = json.loads((pathlib.Path(__file__).resolve().parent / "answers.json").read_text())["cases"]

# (case, command): why our answer is another one.
_LIST = "an unknown type is answered with the list of types that exist"
_DIFFERENT = {
    ("types", "postmap nosuch:t"): _LIST,
    ("mistakes", "postmap -q x nosuch:t"): _LIST,
}


@pytest.mark.parametrize("case", _RECORD)
def test_answers_as_recorded(case, tmp_path):
    configuration = tmp_path / "configuration"
    configuration.mkdir()
    (configuration / "main.cf").write_text(f"queue_directory = {tmp_path}\nmaillog_file = {tmp_path}/log\n"
                                           "maillog_file_prefixes = /\n")
    directory = tmp_path / "work"
    directory.mkdir()
    ours = postmap_cases.run(case, directory, configuration, {}, lambda program: BUILD / "sbin" / program)
    wrong = []
    for theirs_answer, ours_answer in zip(_RECORD[case], ours, strict=True):
        same = postmap_cases.comparable(theirs_answer) == postmap_cases.comparable(ours_answer)
        if same == ((case, theirs_answer["command"]) in _DIFFERENT):
            wrong.append(f"{theirs_answer['command']}\n  theirs {postmap_cases.comparable(theirs_answer)}"
                         f"\n  ours   {postmap_cases.comparable(ours_answer)}")
    assert not wrong, "\n".join(wrong)
