"""YAML read with care: plain values only, a cap on size and depth, no key twice, no aliases, and each value's line."""

from __future__ import annotations

from collections.abc import Hashable

import yaml

LARGEST = 2 * 1_048_576
DEEPEST = 12

Path = tuple[str | int, ...]


class YamlTextError(Exception):
    """The text is not YAML as it is taken here; `line` counts from 1, None where no line is to blame."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


class Document:
    """A YAML document: `data` in plain Python values, and the line on which each of them stands."""

    def __init__(self, text: str) -> None:
        self._root, self.data = _composed(text)

    def line_of(self, path: Path) -> int | None:
        """The line of the value at a path, or of the nearest thing above it that is there."""
        node, line = self._root, None
        for part in path:
            key, node = _child(node, part)
            if node is None or key is None:
                break
            line = key.start_mark.line + 1
        return line


def _child(node: yaml.Node | None, part: str | int) -> tuple[yaml.Node | None, yaml.Node | None]:
    """The node that names a part (a key, an item) and the node of its value."""
    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in node.value if key.value == part), (None, None))
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part]
    return None, None


def _composed(text: str) -> tuple[yaml.Node | None, object]:
    if len(text) > LARGEST:
        raise YamlTextError("is larger than 2 MiB")
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        return root, None if root is None else loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlTextError(error.problem or "is not YAML", mark.line + 1 if mark else None) from error
    except yaml.reader.ReaderError as error:
        raise YamlTextError(f"holds a character that YAML does not allow: {error.reason}") from error
    except (ValueError, OverflowError) as error:  # PyYAML's own scalars: a date that does not exist, an endless number
        raise YamlTextError(f"holds a value that YAML cannot read: {error}") from error


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader without aliases, without deep nesting, and with each key once."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """The next node; refuses an alias and nesting beyond DEEPEST before anything is built."""
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(None, None, "aliases (*name) are not taken: write the value again", mark)
        if self._depth >= DEEPEST:
            raise yaml.composer.ComposerError(None, None, f"is nested deeper than {DEEPEST} levels", mark)
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        """A mapping; refuses a key that is not text, or that stands there twice."""
        seen: set[str] = set()
        for key, _ in node.value:
            if key.tag != "tag:yaml.org,2002:str":
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!s:.40} is not text", key.start_mark
                )
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} stands here twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)
