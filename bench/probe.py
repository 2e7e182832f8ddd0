"""Types keys in one window while a peer works in another, and looks how far the transcript has come.

A key is `j` or `k` in a window with a Lua file, every 20 ms; it has shown when the cursor stands in the other row at a flush.
Times are net of what other programs took from Neovim's and our own share of the processors.
"""
import os

from nvim import now
from process import schedule

PERIOD = 0.020
#: Keys go on when all is there: what was put off stalls too.
AFTER = 1.0
BETWEEN = 0.25
LOOK = 0.1


class Keys:
    """One key under way at a time."""

    def __init__(self, nvim):
        self.nvim, self.own = nvim, os.getpid()
        self.sent, self.down, self.next = None, True, now()
        self.latencies = []
        nvim.on_flush = self.flushed

    def flushed(self, moment):
        if self.sent is None or self.nvim.cursor[0] == self.row:
            return
        ran, waited = (after - before for after, before in zip(schedule(self.nvim.pid), self.theirs))
        own_wait = schedule(self.own)[1] - self.ours
        latency = (moment - self.sent) * 1000
        self.latencies.append(max(ran, latency - waited - own_wait, 0.05))
        self.sent = None

    def type(self):
        moment = now()
        if self.sent is not None or moment < self.next:
            return
        self.row, self.theirs, self.ours = self.nvim.cursor[0], schedule(self.nvim.pid), schedule(self.own)[1]
        self.sent = now()
        self.nvim.notify("nvim_input", "j" if self.down else "k")
        self.down = not self.down
        self.next = max(self.next + PERIOD, moment)

    def stop(self):
        if self.sent is not None:
            self.latencies.append((now() - self.sent) * 1000)
        self.nvim.on_flush = None
        return self.latencies


def idle(desk, seconds):
    keys, end = Keys(desk.nvim), now() + seconds
    while now() < end or keys.sent is not None and now() < end + 20:
        keys.type()
        desk.nvim.pump(0.005)
    return {"latencies": keys.stop()}


def watch(desk, order, beside, limit, is_last, tail_code):
    """One turn, from its prompt to when all of it is on the screen. `beside`: orders of the other sessions."""
    nvim, mark = desk.nvim, order.end_mark()
    tags, state, spent = [], {"all": None, "asking": False}, None

    def looked(error, result):
        state["asking"] = False
        if error:
            raise RuntimeError(error)
        tags.append((now(), result[1]))
        if result[2] and state["all"] is None:
            state["all"] = now()

    keys, last = Keys(nvim), None
    cpu = desk.cpu()
    desk.send(order)
    for number, other in enumerate(beside):
        desk.send(other, number + 1)
    start = now()
    next_look, next_read = start + LOOK, start
    while True:
        moment = now()
        if nvim.dead:
            raise EOFError("Neovim has ended")
        if state["all"] and spent is None and moment > state["all"] + BETWEEN:
            # Turns are compared by this: each has as many keys after its end.
            spent = [after - before for after, before in zip(desk.cpu(), cpu)]
        over = spent and (not is_last or moment > state["all"] + AFTER)
        if over and keys.sent is None or moment > start + limit:
            break
        keys.type()
        if not state["asking"] and state["all"] is None and moment >= next_look:
            if last is None and moment >= next_read:
                last, next_read = desk.event("last", order.seed), moment + LOOK
            state["asking"] = True
            nvim.request(looked, "nvim_exec_lua", tail_code, [mark])
            next_look = moment + (0.01 if last else LOOK)
        nvim.pump(min(0.005, max(0.0, keys.next - moment)))
    latencies = keys.stop()
    last = desk.event("last", order.seed)
    if spent is None or not last:
        raise TimeoutError("not all was on the screen within %d s; notes: %r" % (limit, nvim.lua("return BENCH_NOTES")))
    return {
        "latencies": latencies, "ages": ages(order, last, tags), "total": state["all"] - last["first"],
        "editor": spent[0], "backend": spent[1],
    }


def ages(order, last, tags):
    """How old the newest text in the buffer was, in milliseconds, each time one looked; for paced streams."""
    if not order.rate:
        return []
    begins = order.begins()
    ages = []
    for moment, tag in tags:
        # The next line's first characters have not arrived: what is there ends somewhere before them.
        if 0 <= tag < len(begins) - 1 and last["first"] < moment < last["t"]:
            ages.append(max(0.0, (moment - last["first"] - begins[tag + 1] / order.size / order.rate) * 1000))
    return ages
