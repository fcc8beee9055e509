"""One matcher alone, taken or refused as Alertmanager's `filter` parameter takes or refuses it.

Alertmanager knows two dialects. The classic one (all there was before 0.27): a name of ASCII letters, and a value that
may stand without quotes. The UTF-8 one: any name, in quotes where it has reserved letters, and Go's escapes in quotes.
Where both read a text and disagree, the server sides with the classic one, so that is asked first (ADR 011).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from .matcher import PLAIN_NAME, LabelMatcher, MatcherSyntaxError
from .patterns import PatternError, pattern_read

BLANKS = " \t\n\f\r"
SPACES = BLANKS + "\v\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
OPERATOR = "=~|!~|!=|="
QUOTED = r'"(?:[^"\\]|\\.)*"'

_CLASSIC = re.compile(rf"[{BLANKS}]*({PLAIN_NAME.pattern})[{BLANKS}]*({OPERATOR})(.*)", re.DOTALL)
_CLASSIC_VALUE = re.compile(rf'{QUOTED}|(?:[^"\\]|\\.|\\\Z)*', re.DOTALL)
_CLASSIC_ESCAPE = re.compile(r'\\([n"\\])')

_WORD = rf"{QUOTED}|[^{SPACES}{{}}!=~,\\\"'`]+"
_UTF8 = re.compile(
    rf"[{SPACES}]*(?P<open>\{{?)[{SPACES}]*(?P<name>{_WORD})[{SPACES}]*(?P<operator>{OPERATOR})[{SPACES}]*(?P<value>{_WORD})"
    rf"[{SPACES}]*(?:,[{SPACES}]*)?(?P<close>\}}?)[{SPACES}]*",
    re.DOTALL,
)
_GO_ESCAPE = re.compile(
    rb'\\(?:([abfnrtv\\"])|([0-3][0-7]{2})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|.)', re.DOTALL
)
_GO_LETTERS = dict(zip(b'abfnrtv\\"', b'\a\b\f\n\r\t\v\\"', strict=True))


def matcher_read(text: str) -> LabelMatcher:
    """The matcher that the text is to Alertmanager (0.27 and later); MatcherSyntaxError says why it is none.

    One with a NUL, which Alertmanager takes, is refused: no database keeps it, so labels are kept without.
    """
    if text.startswith("{") or text.endswith("}"):
        raise MatcherSyntaxError("a brace must stand in quotes, or have its other half around the whole line")
    refusals: list[ValueError] = []
    for dialect in (_classic, _utf8):
        try:
            matcher = dialect(text)
            if matcher.is_regex:
                pattern_read(matcher.value)
        except (MatcherSyntaxError, PatternError) as refusal:
            refusals.append(refusal)
        else:
            if "\0" in f"{matcher.name}{matcher.value}":
                raise MatcherSyntaxError("it names the character NUL, which no label of the portal has")
            return matcher
    raise MatcherSyntaxError(str(_most_telling(refusals)))


def _most_telling(refusals: Sequence[ValueError]) -> ValueError:
    """That the regular expression is wrong says more than that the text is not of the other dialect."""
    return next((refusal for refusal in refusals if isinstance(refusal, PatternError)), refusals[0])


def _classic(text: str) -> LabelMatcher:
    parts = _CLASSIC.fullmatch(text)
    if parts is None:
        raise MatcherSyntaxError(_what_is_missing(text))
    value = parts[3].strip(BLANKS)
    if not _CLASSIC_VALUE.fullmatch(value):
        raise MatcherSyntaxError(
            'a quote stands alone: quotes go around the whole value, and inside it are written \\"'
        )
    inner = value[1:-1] if value.startswith('"') else value
    return LabelMatcher(parts[1], parts[2], _CLASSIC_ESCAPE.sub(_classic_letter, inner))


def _classic_letter(escape: re.Match[str]) -> str:
    return "\n" if escape[1] == "n" else escape[1]


def _what_is_missing(text: str) -> str:
    if not re.search(OPERATOR, text):
        return "there is no operator (=, !=, =~ or !~) and value, as in severity=critical"
    if text.lstrip(SPACES).startswith(("=", "!")):
        return "there is no label's name before the operator"
    return 'the label\'s name has letters that need quotes, as in "a.b"=c'


def _utf8(text: str) -> LabelMatcher:
    parts = _UTF8.fullmatch(text)
    if parts is None or bool(parts["open"]) is not bool(parts["close"]):
        raise MatcherSyntaxError("it is not a name, an operator and a value")
    return LabelMatcher(_go_text(parts["name"]), parts["operator"], _go_text(parts["value"]))


def _go_text(word: str) -> str:
    """A word of the UTF-8 dialect as it is meant; in quotes it is a string of Go's."""
    if not word.startswith('"'):
        return word
    if "\n" in word:
        raise MatcherSyntaxError("a line feed in quotes is written \\n")
    try:
        return _GO_ESCAPE.sub(_go_letter, word[1:-1].encode()).decode()
    except (UnicodeError, ValueError, OverflowError):
        raise MatcherSyntaxError("a backslash in quotes begins no escape that Alertmanager knows") from None


def _go_letter(escape: re.Match[bytes]) -> bytes:
    letter, octal, byte, *code = escape.groups()
    if letter:
        return bytes([_GO_LETTERS[letter[0]]])
    if octal or byte:
        return bytes([int(octal, 8) if octal else int(byte, 16)])
    return chr(int(code[0] or code[1] or b"none", 16)).encode()
