"""The agent's words: endless Markdown, the same for the same seed. The driver has them too, to know what must arrive."""

WORDS = (
    "the agent reads this file and then it decides that a small change would be enough because most callers only need "
    "one value while others want a list of results with their context so we keep both paths simple return early on "
    "errors and add a test for each case before moving on to the next part of the work where buffers windows and timers "
    "have to agree about order"
).split()
SPICE = ["**bold**", "`inline_code()`", "naïve", "→", "_emphasis_", "[link](http://x.invalid/a)", "résumé"]
CODE = [
    "local function step{0}(state, value)",
    "  if value == nil then return state end",
    "  state.count = state.count + {0}",
    "  table.insert(state.items, {{ id = {0}, value = value }})",
    "  return state",
    "end",
]
# A model's block of text ends here and there; ours at the first blank line after so many characters.
BLOCK = 32 * 1024


class Text:
    """Every line carries its number as q<number>q, so that a reader knows how far it has come."""

    def __init__(self, seed):
        self.number, self.state, self.code, self.left = 0, seed * 2654435761 % 2147483647, False, 6

    def random(self, below):
        self.state = (self.state * 48271 + 11) % 2147483647
        return self.state % below

    def line(self):
        tag = "q%dq" % self.number
        self.number += 1
        self.left -= 1
        if self.code:
            if self.left > 0:
                return CODE[self.left % len(CODE)].format(self.number) + " -- " + tag + "\n"
            self.code, self.left = False, 4 + self.random(8)
            return "```\n\n"
        if self.left > 0:
            words = [
                SPICE[self.random(len(SPICE))] if self.random(25) == 0 else WORDS[self.random(len(WORDS))]
                for _ in range(8 + self.random(8))
            ]
            return tag + " " + " ".join(words) + "\n"
        kind = self.random(10)
        if kind < 3:
            self.code, self.left = True, 8 + self.random(12)
            return "\n```lua\n-- " + tag + "\n"
        self.left = 3 + self.random(8)
        if kind < 5:
            return "\n## Heading " + tag + " about " + WORDS[self.random(len(WORDS))] + "\n\n"
        if kind < 7:
            return "- item " + tag + " " + WORDS[self.random(len(WORDS))] + "\n"
        return "\n"


def end_mark(turn):
    return "ENDMARK%dENDMARK" % turn


def blocks(count, size, turn):
    """The text of one turn: about `count` chunks of `size` characters, as a list of blocks of chunks."""
    text, out, block, total = Text(turn), [], [], 0
    length = 0
    while total < count * size:
        line = text.line()
        block.append(line)
        total += len(line)
        length += len(line)
        if length >= BLOCK and line == "\n" and total < count * size:
            out.append("".join(block))
            block, length = [], 0
    if text.code:
        block.append("```\n")
    block.append("\n" + end_mark(turn) + "\n")
    out.append("".join(block))
    return [[whole[at : at + size] for at in range(0, len(whole), size)] for whole in out]
