"""What postmap and postalias are asked, in one directory a case: files first, then commands.

`record.py` runs the cases with Debian's Postfix and keeps the answers, test_postmap.py runs them with our programs.
"""
import os
import re
import subprocess

_MAP = "Key1 value one\n  continued  \n# comment\nkey2\tv2\n\nnoval\n\"quoted key\" v3\nKEY1 dup\n"
_ALIASES = ('Root: me\n"Quoted Key": a, b\npost@x: |"cmd a", "|cmd b", /file/x, :include:/etc/l\n cont@x\nnocolon here\n'
            ': empty\nfoo:\nroot : dup\n  # comment\nlist:a,b, c d\n"bad: x\nbar:: y\na@b: z\nesc\\aped: q\n'
            'one: b (com) , c\ntwo: "b c"@d, "|x y" , |z\nthree: <b@c>, D <e@f>\na, b: c\n')
_CIDR = ("10.0.0.0/8 yes\n!10.1.0.0/16 no\nif 1.2.3.0/24\n1.2.3.4 four\nendif\n[::1] v6\n10.0.0.1/8 bad\nfoo x\nendif\n"
         "1.1.1.1\n")
_RULES = ("/^(a.*)b/ got $1 and ${2} \n/good/q z\nif /u/\n/^uu(x)?$/ a${1}b\n/^us/ $$1\n/^uv/ val$1\nendif\n"
          "!/[A-z0-9@]/ nn $1\nendif\nfoo bar\n/nores/\n/cAse/i  casematters\n/ws/   trailing   \n  folded\n/x a\n")

CASES = {
    "types": {"files": {"t": _MAP}, "commands": [
        f"postmap {type}:t" for type in ("hash", "btree", "lmdb", "texthash", "cidr", "nosuch")]},
    "hash": {"files": {"t": _MAP, "keys": "key2\nnope\nKEY1\n"}, "commands": [
        "postmap t", "postmap -s hash:t", "postmap -q KEY1 hash:t", "postmap -q nope hash:t", "postmap -q - t <keys",
        "postmap -d key2 hash:t", "postmap -d nope hash:t", "postmap -s t", "postmap -w t", "postmap -q key2 t"]},
    "lmdb": {"files": {"t": _MAP}, "commands": [
        "postmap lmdb:t", "postmap -s lmdb:t", "postmap -q KEY1 lmdb:t", "postmap -d key2 lmdb:t", "postmap -s lmdb:t"]},
    "btree": {"files": {"t": _MAP}, "commands": ["postmap btree:t", "postmap -s btree:t"]},
    "quotes": {"files": {"t": '"a\\"b" v\n"unterm v\n"x"y v\n" sp " v "q" z \nab"c d\n'}, "commands": [
        "postmap btree:t", "postmap -s btree:t"]},
    "update": {"files": {"t": "key1 old\n", "more": "key1 new\nkey3 three\n"}, "commands": [
        "postmap t", "postmap -i t <more", "postmap -q key1 t", "postmap -q key3 t", "postmap -ir t <more",
        "postmap -q key1 t", "postmap -iw t <more", "postmap -i fresh <more", "postmap -q key3 fresh"]},
    "folding": {"files": {"t": "KEY one\n"}, "commands": [
        "postmap -f t", "postmap -q KEY t", "postmap -fq KEY t", "postmap -s t"]},
    "mistakes": {"files": {"t": "a b\n"}, "commands": [
        "postmap", "postmap -Z t", "postmap -q", "postmap hash:nonex", "postmap -q x hash:nonex", "postmap -q x -s t",
        "postmap -q x -d y t", "postmap -h t", "postmap -q x nosuch:t", "postmap -q x hash:", "postmap -d a cidr:t",
        "postmap -s cidr:t", "postmap -s static:x", "postmap -q x lmdb:nonex", "postmap -q x regexp:nonex"]},
    "inline": {"files": {}, "commands": [
        "postmap -q k 'inline:{k=v, { K2 = v w }}'", "postmap -q K2 'inline:{k=v, { K2 = v w }}'",
        "postmap -q k inline:k=v", "postmap -q k 'inline:{k}'", "postmap -s 'inline:{b=1,a=2}'",
        "postmap -s 'inline:{}'", "postmap -q x 'static:{ a b }'", "postmap -q x static:ab"]},
    "unix": {"files": {}, "commands": [
        "postmap -q root unix:passwd.byname", "postmap -q root unix:group.byname", "postmap -q x unix:foo",
        "postmap -q no-such-user unix:passwd.byname", "postmap -s unix:passwd.byname"]},
    "texthash": {"files": {"t": _MAP}, "commands": ["postmap -q key2 texthash:t", "postmap -q nope texthash:t"]},
    "cidr": {"files": {"t": _CIDR}, "commands": [
        f"postmap -q {key} cidr:t" for key in ("1.2.3.4", "10.2.3.4", "10.1.2.3", "::1", "0:0::1", "foo", "[::1]")]},
    "rules": {"files": {"t": _RULES}, "commands": [
        f"postmap -q {key} {type}:t" for type in ("pcre", "regexp")
        for key in ("aab", "uuxx", "uux", "uu", "us", "good", "--", "case", "cAse", "ws", "nores")]},
    "aliases": {"files": {"al": _ALIASES}, "commands": [
        "postalias al", "postalias -q root al", "postalias -q 'Quoted Key' al", "postalias -q one al",
        "postalias -q two al", "postalias -q three al", "postalias -q list al", "postalias -q bar al",
        "postalias -q @ al", "postalias -s al"]},
}


def run(case, directory, configuration, environment, program_path):
    """Runs one case in an empty directory; returns a list of {command, exit, output}."""
    for name, text in CASES[case]["files"].items():
        (directory / name).write_text(text)
    answers = []
    for command in CASES[case]["commands"]:
        program, _, rest = command.partition(" ")
        result = subprocess.run(
            ["sh", "-c", f'exec "$0" {rest}', str(program_path(program))], cwd=directory, check=False, text=True,
            stdin=subprocess.DEVNULL, capture_output=True,
            env={**os.environ, **environment, "MAIL_CONFIG": str(configuration)})
        answers.append({"command": command, "exit": result.returncode, "output": result.stdout, "errors": _plain(result.stderr)})
    return answers


def _plain(text):
    """A usage error names the program by its path; the host and the time are not the table's."""
    return re.sub(r"^\S*/(postmap|postalias): ", r"\1: ", text, flags=re.M).splitlines()


def comparable(answer):
    """Listings of hash tables in any order, without the marks of time and place."""
    lines = answer["output"].splitlines()
    if " -s" in answer["command"]:
        lines = sorted(line for line in lines if not line.startswith("YP_"))
    errors = answer["errors"]
    if "texthash" in answer["command"]:
        errors = list(dict.fromkeys(errors))  # Postfix reads a file that has just changed until it is at rest
    return {"exit": answer["exit"], "output": lines, "errors": errors}
