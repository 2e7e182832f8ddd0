"""What a prompt of the benchmark asks for: the driver writes it, the agent reads it, both know what must come of it.

    stream COUNT RATE SIZE KIND SEED    about COUNT chunks of SIZE characters, RATE a second (0: as fast as they are taken)
    tools COUNT SEED                    COUNT edits of files, each with a diff of 80 lines, and a last sentence
"""
import re
from dataclasses import dataclass

import text

PATTERN = re.compile(r"stream (\d+) (\d+) (\d+) (\w+) (\d+)|tools (\d+) (\d+)")
EDITED = 40


@dataclass(frozen=True)
class Order:
    count: int
    rate: int = 0
    size: int = 0
    kind: str = "plain"
    seed: int = 1

    @classmethod
    def read(cls, prompt):
        found = PATTERN.search(prompt)
        if not found:
            raise ValueError("no order in %r" % prompt)
        count, rate, size, kind, seed, tools, tools_seed = found.groups()
        if tools:
            return cls(int(tools), seed=int(tools_seed), kind="tools")
        return cls(int(count), int(rate), int(size), kind, int(seed))

    def __str__(self):
        if self.kind == "tools":
            return "tools %d %d" % (self.count, self.seed)
        return "stream %d %d %d %s %d" % (self.count, self.rate, self.size, self.kind, self.seed)

    def blocks(self):
        if self.kind == "tools":
            return [["All edits are done.\n\n" + text.end_mark(self.seed) + "\n"]]
        return text.blocks(self.kind, self.count, self.size, self.seed)

    def text(self):
        return "".join("".join(chunks) for chunks in self.blocks())

    def begins(self):
        """Where its lines begin, counted in characters."""
        return text.begins(self.kind, self.count * self.size, self.seed)

    def edits(self):
        return [Edit(number, self.seed) for number in range(self.count if self.kind == "tools" else 0)]

    def end_mark(self):
        return text.end_mark(self.seed)


@dataclass(frozen=True)
class Edit:
    number: int
    seed: int

    @property
    def id(self):
        return "edit_%d_%d" % (self.seed, self.number)

    @property
    def path(self):
        """One of its own, so that each is found on the screen."""
        return "src/file_%d_%d.lua" % (self.seed, self.number)

    def line(self, at, new):
        if new and at % 2:
            return "local value_%d_%d = compute(%d, opts) -- line %d of the new text" % (self.number, at, at, at)
        return "local value_%d_%d = compute(%d) -- line %d of the old text" % (self.number, at, at, at)

    def side(self, new):
        return "".join(self.line(at, new) + "\n" for at in range(EDITED))

    def hunk(self):
        """As in a unified diff: old and new stand one below the other."""
        lines = []
        for at in range(EDITED):
            old, new = self.line(at, False), self.line(at, True)
            lines += [" " + old] if old == new else ["-" + old, "+" + new]
        return lines
