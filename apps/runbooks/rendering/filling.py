"""Which placeholders in a runbook's commands show an alert's own values, and which values are safe there.

**Placeholders**, in code alone (blocks and inline), never in prose:

- `<namespace>`, not behind another `<` or a backslash;
- `$NAMESPACE` and `${NAMESPACE}`, in capitals, not behind `$` or a backslash, not a variable that every shell has
  (`$PATH`), and not one that the runbook's own code may set: there are too many ways to (`NAMESPACE=…`, `for`, `read`,
  `mapfile`, `printf -v`), so that the bare word NAMESPACE anywhere in it is taken for one;
- `{{ $labels.namespace }}`, which means the label of exactly that name.

Names are compared in small letters, with "-" and spaces as "_". A name for which there is no value is left as it is.

**Values.** A value is put into a command only if all of this holds, whatever quotes stand around it; else the
placeholder stays, marked, and it is said that its value is not safe in a command:

- it has 1 to 250 characters, each of them an ASCII letter or digit or one of `. _ - / : @ , % + =`;
- its first character is a letter, a digit or "_", or it is "/" before one of those: so it is no option (`-rf`), no file
  of curl's (`@/etc/passwd`), no command of zsh's (`=ls`), no job (`%1`), and not the root folder;
- ".." is no part of its path.

None of these characters ends a word, a quote or a command, or begins an expansion, in sh, bash, zsh or fish.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from .slots import Placeholder

SAFE = re.compile(r"/?[A-Za-z0-9_][A-Za-z0-9._\-/:@,%+=]*")
LONGEST_VALUE = 250
PLACEHOLDER = re.compile(
    r"\{\{-?[ \t]{0,9}\$labels\.(?P<label>[A-Za-z_][A-Za-z0-9_]{0,99})[ \t]{0,9}-?\}\}"
    r"|(?<![<\\])<(?P<angled>[A-Za-z][A-Za-z0-9_. -]{0,63})>"
    r"|(?<![$\\])\$\{(?P<braced>[A-Z][A-Z0-9_]{0,63})\}"
    r"|(?<![$\\])\$(?P<bare>[A-Z][A-Z0-9_]{0,63})(?![A-Za-z0-9_])"
)
MAY_BE_SET = re.compile(
    r"(?<![A-Za-z0-9_$])(?<!\$\{)[A-Z][A-Z0-9_]{0,63}(?![A-Za-z0-9_])|(?<=\$\{)[A-Z][A-Z0-9_]{0,63}(?=:?=)"
)
OF_EVERY_SHELL = frozenset(
    {
        "BASH",
        "EDITOR",
        "HOME",
        "HOSTNAME",
        "IFS",
        "KUBECONFIG",
        "LANG",
        "LOGNAME",
        "OLDPWD",
        "PATH",
        "PPID",
        "PS",
        "PWD",
    }
    | {"RANDOM", "SECONDS", "SHELL", "TERM", "TMPDIR", "UID", "USER"}
)


@dataclass(frozen=True)
class Value:
    """What an alert says, and where it says so: `origin` is "the label namespace"."""

    text: str
    origin: str

    @property
    def is_safe(self) -> bool:
        """Whether it can stand in a command, by the rule above."""
        return is_safe(self.text)


class Values:
    """An alert's values by the names of placeholders."""

    def __init__(self, labels: Mapping[str, str], others: Mapping[str, str], mapping: Mapping[str, str]) -> None:
        """`others` are what the portal knows beside the labels ({"cluster": …}), empty where it does not know;
        `mapping` is the fleet file's: placeholder's name → label's name."""
        self._labels = {name: Value(text, f"the label {name}") for name, text in labels.items()}
        named = {folded(name): Value(text, f"the alert’s {name}") for name, text in others.items() if text}
        named |= {folded(name): value for name, value in self._labels.items()}
        meant = {folded(name): self._labels.get(label) or named.get(folded(label)) for name, label in mapping.items()}
        self._named = named | {name: value for name, value in meant.items() if value}

    def of(self, placeholder: Placeholder) -> Value | None:
        """The value; None where there is none, or an empty one."""
        found = self._labels.get(placeholder.name) if placeholder.is_label else self._named.get(placeholder.name)
        return found if found and found.text else None


NO_VALUES = Values({}, {}, {})


def is_safe(text: str) -> bool:
    """Whether a value can stand in a command, by the rule above."""
    if len(text) > LONGEST_VALUE or not SAFE.fullmatch(text):
        return False
    return ".." not in re.split(r"[/:=,]", text)


def folded(name: str) -> str:
    """A placeholder's name as it is compared."""
    return re.sub(r"[- ]", "_", name.lower())


def names_assigned(codes: Iterable[str]) -> frozenset[str]:
    """The shell variables that commands may set: the words that stand bare in them, outside of placeholders."""
    return frozenset(name for code in codes for name in MAY_BE_SET.findall(PLACEHOLDER.sub(" ", code)))


def placeholders_in(code: str, assigned: frozenset[str]) -> Iterator[str | Placeholder]:
    """The text of a command with what could be placeholders in it, in order."""
    end = 0
    for found in PLACEHOLDER.finditer(code):
        variable = found["braced"] or found["bare"]
        if variable and (variable in assigned or variable in OF_EVERY_SHELL):
            continue
        yield code[end : found.start()]
        name = found["label"] or folded(variable or found["angled"])
        yield Placeholder(name, found[0], is_label=bool(found["label"]))
        end = found.end()
    yield code[end:]
