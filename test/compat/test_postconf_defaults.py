"""`postconf -d` prints every line that Postfix 3.12 prints, but for the differences that are listed with their reasons."""
import pathlib
import subprocess
import sys

from support.paths import BUILD, ROOT

sys.path.insert(0, str(ROOT / "declare"))
import parameters  # noqa: E402  (it stands in declare/)

HERE = pathlib.Path(__file__).resolve().parent


def pairs(text, separator):
    """name -> rest of its line."""
    lines = [line for line in text.splitlines() if separator in line and not line.startswith("#")]
    return {name.strip(): rest.strip() for name, _, rest in (line.partition(separator) for line in lines)}


def ours(tmp_path):
    """Of the default master.cf, whose services have parameters of their own."""
    (tmp_path / "main.cf").write_text("")
    (tmp_path / "master.cf").write_text((ROOT / "conf/master.cf").read_text())
    result = subprocess.run([BUILD / "sbin/postconf", "-c", tmp_path, "-d"], capture_output=True, text=True, check=True)
    assert result.stderr == ""
    return pairs(result.stdout, "=")


def test_postconf_d_is_that_of_postfix(tmp_path):
    printed = ours(tmp_path)
    recorded = pairs((HERE / "postconf-d-3.12.txt").read_text(), "=")
    differences = pairs((HERE / "postconf-d-differences.txt").read_text(), ":")
    own = {entry.name for entry in parameters.load(ROOT / "declare").parameters if entry.since.startswith("posthaste")}
    assert sorted(set(recorded) - set(printed)) == []
    assert sorted(set(printed) - set(recorded) - set(differences)) == sorted(own)
    assert [name for name in recorded if printed[name] != recorded[name] and name not in differences] == []
