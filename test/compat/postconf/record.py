#!/usr/bin/python3
"""Records the answers of Debian's Postfix to the samples in answers.json.

usage: record.py [ROOT]      ROOT holds the unpacked package postfix (default: build/yardstick/root)
"""
import concurrent.futures
import json
import pathlib
import sys
import tempfile

_HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(_HERE.parents[1]))

from postconf_samples import SAMPLES, answer  # noqa: E402


def main(root):
    def said(arguments):
        sample, words = arguments
        with tempfile.TemporaryDirectory(prefix="ph-", dir="/tmp") as directory:
            return answer(sample, words, pathlib.Path(directory), root / "usr/sbin/postconf",
                          {"LD_LIBRARY_PATH": str(root / "usr/lib/postfix")})

    calls = [(name, call, (sample, words)) for name, sample in SAMPLES.items() for call, words in sample.calls]
    answers = {name: {} for name in SAMPLES}
    with concurrent.futures.ThreadPoolExecutor(48) as many:  # Postfix waits for a second before it says "fatal"
        for (name, call, _), result in zip(calls, many.map(said, [job for _, _, job in calls]), strict=True):
            answers[name][call] = result
    record = {"postfix": "3.7.11 (Debian 12)", "samples": answers}
    (_HERE / "answers.json").write_text(json.dumps(record, indent=1, ensure_ascii=True) + "\n")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else _HERE.parents[2] / "build/yardstick/root")
