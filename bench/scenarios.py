"""What an editor is put through: the bounds that each must keep are in figures.py."""
from dataclasses import dataclass

from orders import Order


@dataclass(frozen=True)
class Scenario:
    title: str
    #: One after the other; the next is sent when the last is on screen. None: nobody says anything.
    orders: tuple
    #: Seconds that a peer has for each.
    limit: float = 60
    #: Sessions that stream the same beside the shown one.
    beside: int = 0
    #: The list of all sessions is on the screen, too, where a peer has one.
    board: bool = False
    #: What is there in the end is scrolled and searched.
    travel: bool = False

    def seeded(self, turn):
        """Text that no other turn has."""
        return [Order(order.count, order.rate, order.size, order.kind, turn + at) for at, order in enumerate(self.orders)]


def stream(count, rate, size, kind="plain"):
    return Order(count, rate, size, kind)


def tools(count):
    return Order(count, kind="tools")


SCENARIOS = {
    "idle": Scenario("nobody says anything, 5 s", ()),
    "s200": Scenario("200 chunks/s of 20 characters, 10 s", (stream(2000, 200, 20),)),
    "s2000": Scenario("2,000 chunks/s of 40 characters, 10 s", (stream(20000, 2000, 40),)),
    "flood": Scenario("200,000 chunks of 40 characters at once", (stream(200000, 0, 40),)),
    "big5mb": Scenario("one chunk of 5 MB", (stream(1, 0, 5_000_000),)),
    "tools": Scenario("300 edits with diffs of 60 lines at once", (tools(300),)),
    "growth": Scenario("10 prompts, 5,000 chunks of 40 characters at once each", (stream(5000, 0, 40),) * 10),
    "many": Scenario("8 sessions at 500 chunks/s of 40 characters, one shown, 10 s", (stream(5000, 500, 40),), beside=7),
    "board8": Scenario("the same, the board in a panel below", (stream(5000, 500, 40),), beside=7, board=True),
    "crowd": Scenario("64 sessions at 60 chunks/s of 40 characters, one shown, 10 s", (stream(600, 60, 40),), beside=63),
    "board64": Scenario("the same, the board in a panel below", (stream(600, 60, 40),), beside=63, board=True),
    "m2000": Scenario(
        "s2000 with Markdown and code of 17 languages", (stream(20000, 2000, 40, "markdown"),)
    ),
    "mflood": Scenario("flood with Markdown and code of 17 languages", (stream(200000, 0, 40, "markdown"),)),
    "wide": Scenario("s2000 with CJK and emoji", (stream(20000, 2000, 40, "wide"),)),
    "million": Scenario(
        "1,000,000 lines in chunks of 4,096 characters at once, then scrolled and searched", (stream(14500, 0, 4096),), 180,
        travel=True,
    ),
}

#: What continuous integration runs: the same in small.
SHORT = {
    "m2000": Scenario("2,000 chunks/s of 40 characters of Markdown and code, 2 s", (stream(4000, 2000, 40, "markdown"),)),
    "mflood": Scenario("30,000 chunks of 40 characters of them at once", (stream(30000, 0, 40, "markdown"),)),
    "tools": Scenario("60 edits with diffs of 60 lines at once", (tools(60),)),
}
