"""Placeholders in commands show an alert's values, and none that could act there."""

from __future__ import annotations

import re
import shutil
import subprocess
from html import unescape

import pytest

from apps.runbooks.rendering import Value, Values
from tests.runbooks.drawing import Elements, draw

LABELS = {"namespace": "build-service", "pod": "api-5d8f-x2x4q", "source_cluster": "stone-prd-m01", "le": "0.5"}
VALUES = Values(LABELS, {"cluster": "m01", "environment": "production", "application": ""}, {"host": "source_cluster"})

SAFE = [
    "build-service",
    "a",
    "7",
    "_x",
    "stone-prd-m01.example.com",
    "10.0.0.1:9100",
    "/api/v1/pods",
    "a/b@sha256:0f",
    "50%",
    "a=b,c=d",
    "a+b",
    "x" * 250,
]
UNSAFE = {
    "a quote": "a'b",
    "a double quote": 'a"b',
    "a substitution": "$(reboot)",
    "a variable": "$HOME",
    "backticks": "`id`",
    "a line break": "a\nreboot",
    "a line break at the end": "a\n",
    "a carriage return": "a\rb",
    "a semicolon": "a;reboot",
    "an and": "a&&reboot",
    "the background": "a&",
    "a pipe": "a|sh",
    "a space": "a b",
    "a tab": "a\tb",
    "a star": "a*",
    "a question": "a?",
    "a set": "[ab]",
    "a brace": "{a,b}",
    "an expansion": "a{1..9}",
    "a home": "~root",
    "a bang": "!!",
    "a comment": "#a",
    "a redirect": ">a",
    "an input": "<a",
    "a backslash": "a\\",
    "a caret": "a^b",
    "brackets": "(a)",
    "NUL": "a\x00b",
    "an escape": "\x1b[2J",
    "an option": "-rf",
    "a long option": "--force",
    "a full width letter": "ａ",
    "a full width semicolon": "a；b",
    "a Cyrillic letter": "nаmespace",
    "a non-breaking space": "a\u00a0b",
    "a line separator": "a\u2028b",
    "a turn": "a\u202eb",
    "nothing seen": "a\u200bb",
    "an Arabic digit": "٣",
    "a quotation mark": "a’b",
    "a non-breaking hyphen": "a\u2011b",
    "a file of curl": "@/etc/passwd",
    "a job": "%1",
    "a command of zsh": "=ls",
    "a plus": "+x",
    "the folder above": "..",
    "out of a folder": "../../etc",
    "up": "a/../../b",
    "up behind a colon": "a:../b",
    "up behind a sign": "a=../b",
    "here": ".",
    "the root": "/",
    "two roots": "//",
    "a dot file": ".ssh",
    "too long": "x" * 251,
    "a colon first": ":a",
    "a comma first": ",a",
}


def code(written: str, values: Values = VALUES) -> str:
    """The text of a block of that code, as copying takes it."""
    html = draw(f"```sh\n{written}\n```", values=values).html
    found = Elements(html)
    assert found.open == found.crossed == []
    return text_in(html)


def text_in(html: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", html.partition("<code>")[2].partition("</code>")[0]))


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("oc -n <namespace> get pods", "oc -n build-service get pods"),
        ("oc -n <NAMESPACE> get pods", "oc -n build-service get pods"),
        ("oc -n $NAMESPACE get pods", "oc -n build-service get pods"),
        ('oc -n "${NAMESPACE}" logs $POD-1', 'oc -n "build-service" logs api-5d8f-x2x4q-1'),
        ("x {{ $labels.namespace }} {{$labels.pod}} {{- $labels.le -}}", "x build-service api-5d8f-x2x4q 0.5"),
        ("ssh <host> <Source-Cluster> <source cluster>", "ssh stone-prd-m01 stone-prd-m01 stone-prd-m01"),
        ("<cluster>.<environment>", "m01.production"),
        ('up{namespace="<namespace>"}', 'up{namespace="build-service"}'),
    ],
)
def test_a_placeholder_shows_the_alerts_value(written: str, shown: str) -> None:
    assert code(written) == shown


@pytest.mark.parametrize(
    "written",
    [
        "oc -n <other> get <application>",
        "$namespace ${namespace} ${NAMESPACE:-x} ${NAMESPACE%/*} $NAMESPACES $NAMESPACE_2",
        r"\$NAMESPACE \${NAMESPACE} $$NAMESPACE $(NAMESPACE)",
        r"cat <<namespace> \<namespace> </namespace> < namespace> <namespace",
        "{{ $labels.other }} {{ $value }} {{ .Labels.namespace }} {{ $labels.Namespace }}",
        "NAMESPACE=x\noc -n $NAMESPACE",
        "export NAMESPACE=$(oc project -q); oc -n ${NAMESPACE} get pods",
        "for POD in $(oc get pods -o name); do oc delete $POD; done",
        "while read -r POD; do oc delete $POD; done",
    ],
)
def test_what_is_no_placeholder_or_has_no_value_stays_as_it_is(written: str) -> None:
    assert code(written) == written


def test_a_variable_that_any_of_the_runbooks_commands_sets_is_left_to_them() -> None:
    text = "Run `export POD=<pod>`.\n\n```\noc logs $POD -n $NAMESPACE -e POD=$POD\n```"
    assert text_in(draw(text, values=VALUES).html) == "export POD=api-5d8f-x2x4q"
    assert "oc logs $POD -n <mark" in draw(text, values=VALUES).html


@pytest.mark.parametrize("name", ["PATH", "HOME", "USER", "KUBECONFIG"])
def test_a_variable_of_every_shell_is_never_filled(name: str) -> None:
    values = Values({name.lower(): "x"}, {}, {})
    assert code(f"echo ${name} ${{{name}}} <{name}>", values) == f"echo ${name} ${{{name}}} x"


@pytest.mark.parametrize(
    "setting",
    [
        "for i in a b; do NAMESPACE=$i; run; done",
        "if true; then NAMESPACE=x; fi",
        "oc get pods | while read -r POD NAMESPACE; do run; done",
        "read -p 'which? ' NAMESPACE",
        "while IFS= read -r -u 3 NAMESPACE; do run; done",
        "export A=1 NAMESPACE=x",
        "typeset NAMESPACE=x",
        "mapfile -t NAMESPACE < list",
        "select NAMESPACE in a b; do run; done",
        "{ NAMESPACE=x; run; }",
        "set -x && NAMESPACE=$(oc project -q)",
        "printf -v NAMESPACE %s x",
        "eval 'NAMESPACE=x'",
        "oc process -p NAMESPACE=x",
        ": ${NAMESPACE:=x}",
    ],
)
def test_a_variable_that_the_runbook_may_set_is_left_to_it_however_it_does(setting: str) -> None:
    text = f"```\n{setting}\n```\n\nThen `oc -n $NAMESPACE get ${{NAMESPACE}} $POD`."
    html = draw(text, values=VALUES).html.rpartition("<code>")[2]
    assert html.startswith("oc -n $NAMESPACE get ${NAMESPACE} ")


def test_a_placeholder_in_capitals_is_no_variable_that_is_set() -> None:
    written = "oc -n <NAMESPACE> get $NAMESPACE ${NAMESPACE:-x}"
    assert code(written) == "oc -n build-service get build-service ${NAMESPACE:-x}"


def test_prose_is_never_filled() -> None:
    drawn = draw("Look at <namespace>, $NAMESPACE and {{ $labels.namespace }}.\n\n# <namespace>", values=VALUES)
    assert drawn.filled == 0
    assert "build-service" not in drawn.html


def test_a_filled_value_is_marked_and_tells_where_it_is_from() -> None:
    values = Values({"namespace": "a"}, {"cluster": "m01"}, {"host": "namespace"})
    marks = Elements(draw("`<namespace>` `<cluster>` `$HOST`", values=values).html).named("mark")
    assert [mark["title"] for mark in marks] == [
        "<namespace>, from the label namespace",
        "<cluster>, from the alert’s cluster",
        "$HOST, from the label namespace",
    ]


def test_a_label_goes_before_what_the_portal_knows_and_the_fleet_file_before_both() -> None:
    labels, others = {"cluster": "label", "x": "mapped"}, {"cluster": "known"}
    assert code("<cluster>", Values(labels, others, {})) == "label"
    assert code("<cluster> {{ $labels.cluster }}", Values(labels, others, {"Cluster": "x"})) == "mapped label"
    assert code("<c> <d>", Values({}, others, {"c": "cluster", "d": "no-such-label"})) == "known <d>"


@pytest.mark.parametrize("value", SAFE)
def test_a_safe_value_is_filled(value: str) -> None:
    assert code("x '<namespace>'", Values({"namespace": value}, {}, {})) == f"x '{value}'"


@pytest.mark.parametrize("value", UNSAFE.values(), ids=UNSAFE.keys())
@pytest.mark.parametrize("written", ["<namespace>", "$NAMESPACE", "${NAMESPACE}", "{{ $labels.namespace }}"])
def test_a_value_that_is_not_safe_in_a_command_stays_out_and_it_is_said(value: str, written: str) -> None:
    drawn = draw(f"```\nx '{written}'\n```", values=Values({"namespace": value}, {}, {}))
    assert text_in(drawn.html) == f"x '{written}'"
    [mark] = Elements(drawn.html).named("mark")
    assert mark["title"] == "not filled: its value is not safe in a command"
    assert (drawn.filled, drawn.left, drawn.left_names) == (0, 1, [written])


def test_an_empty_value_is_none() -> None:
    drawn = draw("`<namespace>`", values=Values({"namespace": ""}, {}, {}))
    assert (text_in(drawn.html), drawn.filled, drawn.left) == ("<namespace>", 0, 0)


@pytest.mark.parametrize("shell", ["sh", "bash", "dash"])
@pytest.mark.parametrize("quoted", ["{}", "'{}'", '"{}"', "a{}b", '"$(echo {})"'])
def test_a_real_shell_takes_each_safe_value_as_it_is(shell: str, quoted: str) -> None:
    if not shutil.which(shell):
        pytest.skip(f"there is no {shell}")
    script = "\n".join(f"printf '%s\\n' {quoted.format(value)}" for value in SAFE)
    told = subprocess.run([shell, "-c", script], capture_output=True, text=True, check=True, timeout=20).stdout
    around = ("a", "b") if quoted == "a{}b" else ("", "")
    assert told.splitlines() == [f"{around[0]}{value}{around[1]}" for value in SAFE]


def test_the_rule_takes_no_character_that_it_does_not_name() -> None:
    named = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:@,%+=")
    taken = {chr(code) for code in range(0x3000) if Value(f"a{chr(code)}a", "").is_safe}
    assert taken == named
