"""Filters, good and bad, and alerts to try them on: what the portal makes of them is compared with real Alertmanagers.

`python -m tests.alerts.matcher_corpus URL` has the server at URL answer them all, and prints its answers as JSON.
"""

from __future__ import annotations

import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

Labels = dict[str, str]
REFUSED = "refused"

# The label `n` tells them apart; a real server keeps no label whose value is empty.
ALERTS: tuple[Labels, ...] = tuple(
    {"n": str(number), **labels}
    for number, labels in enumerate(
        (
            {"alertname": "HighErrorRate", "severity": "critical", "cluster": "stone-prd-m01", "slo": "true"},
            {"alertname": "HighErrorRate", "severity": "Critical", "cluster": "stone-prd-rh01"},
            {"alertname": "HighLatency", "severity": "warning", "cluster": "stone-stg-m01", "team": "build service"},
            {"alertname": "HighLatency", "severity": "info", "team": "build"},
            {"alertname": "NoSeverity", "path": r"C:\temp\new"},
            {"alertname": "Quoted", "says": 'she said "no"'},
            {"alertname": "Lines", "says": "first\nsecond"},
            {"alertname": "Returns", "says": "first\r\nsecond"},
            {"alertname": "Letters", "says": "größe", "place": "Ελλάδα"},
            {"alertname": "Faces", "says": "\U0001f525 on fire"},
            {"alertname": "Braces", "says": "{a,b}=c"},
            {"alertname": "Equal", "says": "=b"},
            {"alertname": "Commas", "says": "a,b"},
            {"alertname": "Spaces", "says": "  inside  "},
            {"alertname": "Backslash", "says": "a\\"},
            {"alertname": "Escaped", "says": r"a\nb"},
            {"alertname": "Numbers", "_1": "one", "status": "503"},
            {"alertname": "Tab", "says": "a\tb"},
            {"alertname": "Tilde", "says": "~b"},
            {"alertname": "Long", "says": "x" * 3000},
        )
    )
)

UTF8_ALERTS: tuple[Labels, ...] = tuple(
    {"n": str(number), **labels}
    for number, labels in enumerate(
        (
            {"alertname": "Dots", "k8s.pod.name": "pod-1"},
            {"alertname": "Digits", "123": "x"},
            {"alertname": "Größe", "größe": "ja"},
            {"alertname": "Quote", 'a"b': "c"},
            {"alertname": "Backslash", "a\\b": "c"},
            {"alertname": "Blank", "a b": "c"},
            {"alertname": "Face", "\U0001f525": "hot"},
            {"alertname": "Braces", "{a}": "c"},
            {"alertname": "Both", "k8s.pod.name": "pod-2", "a b": "d"},
        ),
        start=100,
    )
)

CLASSIC_FILTERS: tuple[str, ...] = (
    # Plain ones, and what may stand around them.
    "severity=critical",
    'severity="critical"',
    "severity!=critical",
    'severity=~"crit.*"',
    "severity!~crit.*",
    ' \t severity \t = \t "critical" \n ',
    "severity = critical ",
    'alertname="HighErrorRate"',
    "_1=one",
    "n=1",
    "a:b=c",
    "nothing=x",
    "nothing!=x",
    "nothing=~x",
    "nothing!~x",
    "severity=Critical",
    "status=503",
    # Empty values, and labels that are not there.
    "severity=",
    'severity=""',
    "severity!=",
    'severity!=""',
    "severity=~",
    "severity!~",
    'severity=~""',
    'severity!~""',
    "severity=~.*",
    "severity=~.+",
    "severity!~.+",
    "nothing=",
    "nothing!=",
    "nothing=~.*",
    "nothing=~.+",
    "severity=~|warning",
    # Quotes and escapes.
    r'says="she said \"no\""',
    r"says=she said \"no\"",
    'says=she said "no"',
    'says="she said "no""',
    'says="she',
    'says=she"',
    'says="',
    'says=""x',
    r'says="\""',
    r'says="she\"',
    r'path="C:\\temp\\new"',
    r'path="C:\temp\\new"',
    r"path=C:\temp\\new",
    r'path="C:\temp\new"',
    r'path=~"C:\\\\temp.*"',
    r'path=~"C:\\temp.*"',
    r'says="a\\"',
    "says=a\\",
    r"says=a\\",
    r'says="a\nb"',
    r'says="a\\nb"',
    r'says="first\nsecond"',
    "says=first\nsecond",
    'says="first\nsecond"',
    r'says="first\r\nsecond"',
    'says="first\r\nsecond"',
    'says="first\r\\nsecond"',
    'says="a\tb"',
    r'says="a\tb"',
    r'says="gr\u00f6\u00dfe"',
    r'says="\x41"',
    r'says=~"a\\.b"',
    r'says=~"a\.b"',
    "says='a,b'",
    "says=`a,b`",
    # Spaces, commas, braces, equal signs in values.
    "team=build service",
    'team="build service"',
    "team=build  service",
    'says="  inside  "',
    "says=  inside  ",
    "says=a,b",
    'says="a,b"',
    "says=a,b,",
    "severity=critical,",
    "severity=critical, slo=true",
    'says="{a,b}=c"',
    "says={a,b}=c",
    "says=~{a,b}=c",
    "says==b",
    "says=~b",
    "says=~~b",
    "says=!b",
    "severity=~critical|warning",
    "severity=~(critical|warning)",
    # Not matchers.
    "",
    " ",
    "severity",
    "=critical",
    "!=critical",
    "severity!critical",
    "severity<critical",
    "severity~critical",
    "{}",
    "{severity=critical}",
    "{severity=critical",
    "severity critical",
    "sever ity=critical",
    "größe ja",
    ",severity=critical",
    # Regular expressions: anchored, RE2 only.
    "alertname=~High",
    "alertname=~High.*",
    "alertname=~^High.*$",
    "severity=~(?i)critical",
    "severity=~(?i:CRIT)ical",
    "severity=~[[:alpha:]]+",
    r"says=~\pL+",
    r"says=~.*\p{Greek}.*",
    r"place=~\p{Greek}+",
    r"place!~\p{Greek}+",
    r"says=~[\x{1F525}].*",
    "says=~.*\U0001f525.*",
    "says=~gr..e",
    "says=~gr.....e",
    "says=~first.second",
    "says=~(?s)first.second",
    "says=~(?s:first.*)",
    "says=~(?m)first$.*",
    r"says=~first\r?\nsecond",
    r"says=~\Q{a,b}=c\E",
    "severity=~(?U)crit.+",
    "severity=~(?P<kind>crit)ical",
    "severity=~crit)|(warn",
    "severity=~warning)|(.*",
    "severity=~(?=crit).*",
    "severity=~(?!crit).*",
    "severity=~(?<=x)y",
    r"severity=~(c)\1",
    "severity=~(?>crit)ical",
    "severity=~crit(",
    "severity=~[a",
    "severity=~*",
    "severity=~a**",
    "severity=~a++",
    "severity=~a{2,1}",
    "severity=~a{1001}",
    "severity=~(a{1000}){1000}",
    "severity=~(?x)critical",
    r"severity=~\C+",
    r"severity=~critical\Z",
    r"severity=~critical\z",
    r"severity=~\bcritical\b",
    "severity=~(?P<a>c)(?P<a>r).*",
    "severity=~\\",
    "severity!~[",
    "status=~5..",
    r'status=~"5\d{2}"',
    r'status=~"5\\d{2}"',
    # Long ones, and faces.
    f"says={'x' * 3000}",
    f"says={'x' * 2999}",
    'says=~"x{1000}x{1000}x{1000}"',
    'says=~"x{1000}x{999}"',
    "says=\U0001f525 on fire",
    'says="\U0001f525 on fire"',
    'says!="\U0001f525 on fire"',
    "says=größe",
    "says=\u00a0größe",
)

# What 0.25 knows not, and what it takes in another way: compared with a newer server only.
NEWER_FILTERS: tuple[str, ...] = (
    '"k8s.pod.name"="pod-1"',
    '"k8s.pod.name"=pod-1',
    "k8s.pod.name=pod-1",
    '"k8s.pod.name"!="pod-1"',
    '"k8s.pod.name"=~"pod-."',
    '"k8s.pod.name"!~"pod-."',
    '"k8s.pod.name"=~"pod-(?=1)"',
    '"k8s.pod.name"=',
    '"k8s.pod.name"=""',
    '"k8s.pod.name"',
    '"k8s.pod.name=pod-1',
    '"123"="x"',
    "123=x",
    '"größe"="ja"',
    "größe=ja",
    "größe=~j.",
    "größe!=ja",
    r'"a\"b"="c"',
    'a"b=c',
    r'"a\\b"="c"',
    r"a\b=c",
    '"a b"="c"',
    '"a b"!~"c|d"',
    "a b=c",
    '"\U0001f525"="hot"',
    "\U0001f525=hot",
    r'"\U0001f525"="hot"',
    r'"\xf0\x9f\x94\xa5"="hot"',
    r'"\360\237\224\245"="hot"',
    r'"\ud83d\udd25"="hot"',
    r'"\xff"="hot"',
    r'"k8s\.pod"="x"',
    '"{a}"="c"',
    '"{a}"="c",',
    '"{a}"="c" , ',
    '"{a}"="c",,',
    '"{a}"="c", "a b"="c"',
    ' {"{a}"="c"} ',
    ' {"{a}"="c" ',
    '""="x"',
    '""=""',
    '"a b"="c"d',
    '"a b"==c',
    '"a b"="c\n"',
    '"alertname"="Dots"',
    '"alertname"=~"D.*"',
    "'alertname'='Dots'",
    "größe=\u00a0ja",
    "größe\u2003=ja",
    "1severity=critical",
    "sev-erity=critical",
    r"status=~5\d{2}",
    "says=~x{1000}",
    "says=a}",
    "says={a,b}",
    'says="a}"',
    "severity=~(?<kind>crit)ical",
)

# Whole lines, and the single matchers that they are made of.
LINES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("severity=critical", ("severity=critical",)),
    ("severity=critical,slo=true", ("severity=critical", "slo=true")),
    ("severity=critical slo=true", ("severity=critical", "slo=true")),
    ("{severity=critical, slo=true}", ("severity=critical", "slo=true")),
    (' { severity = "critical" , slo != "" , } ', ('severity = "critical"', 'slo != ""')),
    ('alertname=~"High.*" severity!=critical', ('alertname=~"High.*"', "severity!=critical")),
    ('says="a,b"', ('says="a,b"',)),
    ('says="{a,b}=c", n!=3', ('says="{a,b}=c"', "n!=3")),
    (r'says="she said \"no\"" n=5', (r'says="she said \"no\""', "n=5")),
    ("severity= cluster=", ("severity=cluster=",)),
    ("severity=,cluster=", ("severity=", "cluster=")),
    ("severity=~critical|warning cluster=~stone-.*", ("severity=~critical|warning", "cluster=~stone-.*")),
    ('severity=~"(?i)critical"  ,  cluster!~".*rh01"', ('severity=~"(?i)critical"', 'cluster!~".*rh01"')),
    ('team="build service",severity="warning"', ('team="build service"', 'severity="warning"')),
    (r"path=C:\temp\\new, severity=", (r"path=C:\temp\\new", "severity=")),
    ("severity=critical\nslo=true", ("severity=critical", "slo=true")),
    ("nothing!=x nothing!~y nothing=", ("nothing!=x", "nothing!~y", "nothing=")),
    ('says="first\\nsecond" says=~"(?s).*"', ('says="first\\nsecond"', 'says=~"(?s).*"')),
)


def alerts_post(url: str, alerts: Iterable[Labels]) -> None:
    """Has the server hold the alerts, until it does."""
    now = datetime.now(UTC)
    times = {"startsAt": now.isoformat(), "endsAt": (now + timedelta(hours=2)).isoformat()}
    posted = [{"labels": labels, **times} for labels in alerts]
    request = urllib.request.Request(
        f"{url}/api/v2/alerts", json.dumps(posted).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10):
        pass
    deadline = time.monotonic() + 20
    while len(labels_answered(url, ()) or ()) < len(posted):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def labels_answered(url: str, filters: Sequence[str]) -> list[Labels] | None:
    """The labels of the alerts that the server has for these filters; None where it refuses them."""
    query = urllib.parse.urlencode([("filter", each) for each in filters])
    try:
        with urllib.request.urlopen(f"{url}/api/v2/alerts?{query}", timeout=10) as answer:
            told: list[dict[str, Any]] = json.loads(answer.read())
    except urllib.error.HTTPError as error:
        if error.code != 400:
            raise
        return None
    return [alert["labels"] for alert in told]


def numbers(found: Iterable[Labels] | None) -> list[int] | str:
    """The alerts by their numbers, or that the filter was refused."""
    return REFUSED if found is None else sorted(int(labels["n"]) for labels in found)


def answers_of(url: str) -> dict[str, list[int] | str]:
    """Filter → answer, for all filters and alerts there are."""
    alerts_post(url, [*ALERTS, *UTF8_ALERTS])
    return {each: numbers(labels_answered(url, [each])) for each in (*CLASSIC_FILTERS, *NEWER_FILTERS)}


def table_text(answers: dict[str, list[int] | str]) -> str:
    """The answers as JSON, a filter a line."""
    lines = [f"{json.dumps(each, ensure_ascii=False)}: {json.dumps(answer)}" for each, answer in answers.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    sys.stdout.write(table_text(answers_of(sys.argv[1])))
