"""The language of main.cf: expressions, continuation lines, layout, mistakes, and values of every kind.

name -> Sample(main.cf, calls). `probe = ...` lines are what is looked at; see postconf_samples.py for the class.
"""
from sample import EDITS_NOTHING, Sample

# One expression each: shown as it is written, expanded, and what the checks say of it.
_EXPRESSIONS = {
    "dollar name": "$word",
    "braces": "${word}",
    "parentheses": "$(word)",
    "name within text": "a$word.b a${word}b a$(word)b",
    "name ends at a dash": "$word-more",
    "name ends at a dot": "$word.more",
    "name goes on": "$word_more",
    "digits in a name": "$w2",
    "two dollars": "$$word $$ a$$b $$$word $$$$word",
    "lone dollar at the end": "price $",
    "dollar and blank": "price $ 5",
    "dollar and punctuation": "$. $/ $,",
    "names one behind the other": "$word$word${word}$(word)",
    "undefined": "[$nobody]",
    "undefined in braces": "[${nobody}]",
    "undefined with default": "${nobody:fallback}",
    "undefined with empty default": "[${nobody:}]",
    "set, question": "${word?yes}",
    "empty, question": "[${empty?yes}]",
    "set, colon": "[${word:no}]",
    "empty, colon": "${empty:no}",
    "question with nothing": "[${word?}]",
    "question in parentheses": "$(word?yes)",
    "colon in parentheses": "$(empty:no)",
    "old branch with colon": "${word?a:b}",
    "old branch with braces inside": "${word?a{b}c}",
    "old branch with blanks": "${word? a b }",
    "old branch with a name": "${word?[$word]}",
    "both branches": "${word?{a}:{b}}",
    "both branches, empty": "${empty?{a}:{b}}",
    "both branches with blanks": "${word ? {a b} : {c d}}",
    "blanks inside the branches": "[${word?{ a }:{ b }}]",
    "blanks around the name": "[${ word }]",
    "one branch in braces": "[${word?{a}}] [${empty?{a}}]",
    "other branch in braces": "[${word:{a}}] [${empty:{a}}]",
    "braces and more text": "${word?{a}b}",
    "branch, colon, text": "${word?{a}:b}",
    "three branches": "${word?{a}:{b}:{c}}",
    "nested conditions": "${word?{${empty?{x}:{y}}}:{z}}",
    "nested names": "${word?{$word${word}}}",
    "equal": "${{a}=={a}?{yes}:{no}}",
    "not equal": "${{a}!={b}?{yes}:{no}}",
    "less": "${{a}<{b}?{yes}:{no}}",
    "less or equal": "${{a}<={a}?{yes}:{no}}",
    "greater": "${{b}>{a}?{yes}:{no}}",
    "greater or equal": "${{a}>={b}?{yes}:{no}}",
    "numbers": "${{9}<{10}?{number}:{text}}",
    "leading zeros": "${{010}=={10}?{number}:{text}}",
    "number and text": "${{9}<{10x}?{number}:{text}}",
    "negative numbers": "${{-2}<{-1}?{number}:{text}}",
    "blanks in operands": "${{ a }=={a}?{same}:{different}}",
    "blanks around the operator": "${{a} == {a} ? {yes} : {no}}",
    "empty operands": "${{}=={}?{yes}:{no}}",
    "empty and zero": "${{}=={0}?{yes}:{no}}",
    "names in operands": "${{$word}=={a word}?{yes}:{no}}",
    "undefined in an operand": "${{$nobody}=={}?{yes}:{no}}",
    "comparison without the other branch": "[${{a}=={b}?{yes}}] [${{a}=={a}?{yes}}]",
    "comparison with colon only": "[${{a}=={b}:{no}}] [${{a}=={a}:{no}}]",
    "comparison with old branches": "${{a}=={a}?yes:no}",
    "comparison without branches": "${{a}=={a}}",
    "comparison in parentheses": "$({a}=={a}?{yes}:{no})",
    "bare operands": "${word==a}",
    "case counts": "${{A}=={a}?{yes}:{no}}",
    "large numbers": "${{99999999999999999999}>{1}?{yes}:{no}}",
    "level less": "${{3.6} <level {3.10} ? {older} : {newer}}",
    "level with a third part": "${{3.6.1} <=level {3.6} ? {older} : {newer}}",
    "level equal": "${{3} ==level {3.0} ? {same} : {different}}",
    "level not equal": "${{2} !=level {3} ? {different} : {same}}",
    "level greater": "${{10} >level {9.9} ? {newer} : {older}}",
    "level that is none": "${{x} <level {3.6} ? {older} : {newer}}",
    "level of this configuration": "${{$compatibility_level} >=level {2} ? {new} : {old}}",
    "unknown operator": "${{a}=~{a}?{yes}:{no}}",
    "single equals": "${{a}={a}?{yes}:{no}}",
    "operand not closed": "${{a=={a}?{yes}:{no}}",
    "no right operand": "${{a}==?{yes}:{no}}",
    "operand without braces": "${{a}==a?{yes}:{no}}",
    "not closed": "before ${word",
    "parenthesis not closed": "before $(word",
    "closed by the wrong one": "${word) after",
    "empty braces": "[${}]",
    "empty parentheses": "[$()]",
    "dash in a name": "${wo-rd}",
    "unexpected text": "${word!a}",
    "branch not closed": "${word?{a}",
    "refers to itself": "$probe",
    "refers to itself by another": "$loop_a",
    "deep": "$deep9",
    "expanded to a dollar": "$pays",
    "branch that is not taken is wrong": "${empty?${}}",
    "dollar in a branch": "${word?{$$x}}",
    "built-in": "$mail_name and ${mail_name?{x}}",
    "restriction class": "$class_one",
    "blanks inside of a value": "a   b\t\tc",
    "quotes": '"a b" \'c\'',
    "backslash": "a\\nb \\$word",
    "inline table": "inline:{ {a = b c}, d=e }",
    "table with braces": "pcre:{{/a{2}/ b} {/c/ d$$}}",
    "unicode": "\u00e9t\u00e9 $word",
}

_WORDS = """\
word = a word
empty =
w2 = two
loop_a = $loop_b
loop_b = $loop_a
deep9 = $deep8
deep8 = $deep7
deep7 = 7
pays = $$5
"""

LANGUAGE = {
    f"expression: {name}": Sample(f"{_WORDS}probe = {text}\nalways_bcc = $probe\n", "-n always_bcc probe", "-x probe")
    for name, text in _EXPRESSIONS.items()
}

_LONG = "alpha, bravo, charlie, delta, echo, foxtrot, golf, hotel, india, juliett, kilo, lima, mike, november, oscar"

# Whole files; shown with -n, folded with -nf, names alone, and edited without a change.
_FILES = {
    "empty": "",
    "comments only": "# one\n  # two\n\n#three",
    "no line end at the end": "always_bcc = a",
    "carriage returns": "always_bcc = a\r\nmydestination = b,\r\n  c\r\n",
    "continued": "mydestination = a,\n  b,\n\tc\nalways_bcc = d\n",
    "comment inside": "mydestination = a,\n# not this\n  b,\n   # nor this\n  c\n",
    "empty line inside": "mydestination = a,\n\n  b\n   \n  c\n",
    "continued from an empty value": "mydestination =\n    a\n    b\n",
    "name continued": "mydestination\n  = a\n",
    "blanks at the ends": "mydestination =    a b   \nalways_bcc=c\nmyorigin\t=\td\t\n",
    "hash behind a value": "always_bcc = a # b\nmydestination = c #d\n",
    "first line begins with white space": "  always_bcc = a\nmydestination = b\n",
    "first line is a continuation of nothing": "\tx\n",
    "twice": "always_bcc = a\nalways_bcc = b\n",
    "three times": "always_bcc = a\nmydestination = x\nalways_bcc = b\nalways_bcc = c\n",
    "twice the same": "always_bcc = a\nalways_bcc = a\n",
    "no equals": "always_bcc = a\nmydestination\n",
    "no name": "always_bcc = a\n= b\n",
    "blank in a name": "my destination = a\n",
    "equals in a value": "always_bcc = a=b=c\n",
    "odd characters in a name": "a.b = 1\na-b = 2\na/b = 3\nA_b = 4\n9 = 5\n",
    "long values": f"mydestination = {_LONG}\nrelay_domains = {_LONG.replace(', ', ',')}\n",
    "long word": f"mydestination = {'x' * 100} {'y' * 20}\n",
    "fold at the limit": "".join(f"probe{n} = {'a' * 30} {'b' * n} c d\n" for n in range(35, 42))
                         + "always_bcc = $probe35 $probe36 $probe37 $probe38 $probe39 $probe40 $probe41\n",
    "form feed and vertical tab": "always_bcc = a\x0bb\x0cc\n\x0cmydestination = d\n",
    "bytes that are no UTF-8": b"always_bcc = \xe9\xff\n",
    "control characters": "always_bcc = a\x01b\x7fc\n",
    "upper case": "ALWAYS_BCC = a\n",
    "inline tables": "virtual_alias_maps = inline:{ {a@b.test = c, d}, e@f.test=g }\n"
                     "transport_maps = cidr:{{10.0.0.0/8 x:}} pcre:{{/^a/ b:c} {/d$$/ e}}\n"
                     "relocated_maps = static:{ more words }\n",
    "braces over lines": "virtual_alias_maps = inline:{\n  {a@b.test = c}\n# between\n  {d = e}\n  }\n",
}

LANGUAGE |= {f"file: {name}": Sample(text, "-n", "-nf", EDITS_NOTHING) for name, text in _FILES.items()}

_VALUES = {
    "int": ("smtpd_recipient_limit", ["17", "0", "-1", "abc", "1k", "", "99999999999", "$number", "1 2"]),
    "bool": ("disable_vrfy_command", ["yes", "no", "YES", "true", "", "maybe"]),
    "time": ("maximal_backoff_time", ["5m", "300", "1h", "2d", "1w", "3x", "-1s", "", "1.5h", "m", "90 s"]),
    "time in days": ("maximal_queue_lifetime", ["1", "1d", "0"]),
    "raw": ("default_rbl_reply", ["$rbl_code $nobody", "${client?x}"]),
    "string": ("forward_path", ["$home/.forward", "$nobody/x"]),
    "file": ("myorigin", ["/nonexistent/mailname", "$mydomain", ""]),
}
LANGUAGE |= {
    f"value: {kind} {value!r}": Sample(f"number = 23\n{name} = {value}\n", f"-n {name}", f"-x {name}")
    for kind, (name, values) in _VALUES.items() for value in values
}
