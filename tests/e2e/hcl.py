"""Is a text well-formed HCL? The grammar of blocks, attributes, strings with templates, heredocs and maps, as far as
what we print goes. Stricter than Terraform: one attribute a line, every block of a known type.
https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
REFERENCE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)+")
NUMBER = re.compile(r"-?[0-9]+")


@dataclass
class Block:
    type: str
    labels: list[str]
    attributes: dict[str, Any] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)


class Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def parse(self) -> Block:
        """Throws AssertionError where the text is not well-formed."""
        root = Block("", [])
        self._body(root)
        assert self.at == len(self.text), self._where()
        return root

    def _where(self) -> str:
        line = self.text.count("\n", 0, self.at) + 1
        return f"line {line}: {self.text[self.at : self.at + 60]!r}"

    def _skip(self) -> None:
        while match := re.compile(r"\s+|#[^\n]*").match(self.text, self.at):
            self.at = match.end()

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        assert match, f"no {pattern.pattern} at {self._where()}"
        self.at = match.end()
        return match.group()

    def _sign(self, sign: str) -> bool:
        if not self.text.startswith(sign, self.at):
            return False
        self.at += len(sign)
        return True

    def _blanks(self) -> None:
        self._take(re.compile(r"[ \t]*"))

    def _body(self, block: Block) -> None:
        self._skip()
        while self.at < len(self.text) and not self.text.startswith("}", self.at):
            name = self._take(NAME)
            self._blanks()
            if self._sign("="):
                self._blanks()
                assert name not in block.attributes, f"{name} twice, {self._where()}"
                block.attributes[name] = self._value()
            else:
                block.blocks.append(self._block(name))
            self._blanks()
            assert self.at == len(self.text) or self.text[self.at] == "\n" or self.text[self.at - 1] == "\n", (
                self._where()
            )
            self._skip()

    def _block(self, type_: str) -> Block:
        block = Block(type_, [])
        while self.text.startswith('"', self.at):
            block.labels.append(self._string())
            self._blanks()
        assert self._sign("{"), self._where()
        self._body(block)
        assert self._sign("}"), self._where()
        return block

    def _value(self) -> Any:
        if self.text.startswith('"', self.at):
            return self._string()
        if self._sign("<<"):
            return self._heredoc()
        if self._sign("{"):
            inner = Block("", [])
            self._body(inner)
            assert self._sign("}") and not inner.blocks, self._where()
            return inner.attributes
        for word, value in (("true", True), ("false", False)):
            if self._sign(word):
                return value
        if NUMBER.match(self.text, self.at):
            return int(self._take(NUMBER))
        if REFERENCE.match(self.text, self.at):
            return self._take(REFERENCE)
        return self._take(re.compile("string"))  # the type of a variable

    def _heredoc(self) -> str:
        word = self._take(NAME)
        assert self._sign("\n"), self._where()
        end = self.text.find(f"\n{word}\n", self.at - 1)
        assert end >= 0, f"heredoc {word} never ends, {self._where()}"
        body = self.text[self.at : end + 1]
        self.at = end + len(word) + 1
        return self._templates(body)

    def _string(self) -> str:
        raw = self._take(re.compile(r'"(\\[nrt"\\]|[^"\\\n])*"'))[1:-1]
        return re.sub(r"\\(.)", lambda m: {"n": "\n", "r": "\r", "t": "\t"}.get(m[1], m[1]), self._templates(raw))

    @staticmethod
    def _templates(text: str) -> str:
        """`$${` is the text `${`; every other `${...}` must be a reference."""
        kept = re.sub(r"\$\$\{|%%\{", "", text)
        for template in re.findall(r"\$\{([^}]*)\}?|%\{", kept):
            assert REFERENCE.fullmatch(template), f"not a reference: {template!r}"
        return text.replace("$${", "${").replace("%%{", "%{")


def parse(text: str) -> Block:
    return Parser(text).parse()
