"""A long transcript is scrolled, read from its beginning and searched, with keys in its own window."""
import os

from nvim import now
from process import schedule

PAGES = 100
PERIOD = 0.03
SEARCH_LIMIT = 60
RETRY = 0.25

#: What stands in the line of the cursor, and the first line on the screen.
PLACE = "return { vim.api.nvim_get_current_line(), vim.fn.line('w0'), vim.api.nvim_buf_line_count(0) }"


def press(nvim, keys, limit=20):
    """Types keys of which the last one changes the view; milliseconds until that is drawn, net of other programs."""
    drawn = []
    nvim.on_flush = lambda moment: drawn.append(moment) if nvim.changed else None
    nvim.changed = False
    theirs, ours, start = schedule(nvim.pid), schedule(os.getpid())[1], now()
    nvim.notify("nvim_input", keys)
    while not drawn and now() < start + limit:
        nvim.pump(0.005)
    nvim.on_flush = None
    ran, waited = (after - before for after, before in zip(schedule(nvim.pid), theirs))
    end = drawn[0] if drawn else now()
    return max(ran, (end - start) * 1000 - waited - (schedule(os.getpid())[1] - ours), 0.05)


def travel(desk, order):
    nvim = desk.nvim
    nvim.lua("vim.api.nvim_set_current_win(vim.fn.win_findbuf(Bench.buf())[1])")
    # The first key in a window that was filled while nobody was in it.
    pages = [press(nvim, "G")]
    nvim.run_for(0.5)
    for _ in range(PAGES):
        pages.append(press(nvim, "<C-b>"))
        nvim.run_for(PERIOD)
    nvim.notify("nvim_input", "G")
    nvim.run_for(0.5)
    wanted = "q%dq" % (len(order.begins()) // 2)
    start, stalls = now(), []
    nvim.notify("nvim_input", "?%s<CR>" % wanted)
    next_try = start + RETRY
    while True:
        # The answer to a question is a key's time too: both wait for the same thread.
        asked = now()
        line = nvim.lua(PLACE)[0]
        stalls.append((now() - asked) * 1000)
        if wanted in line:
            break
        if now() > start + SEARCH_LIMIT:
            start = None
            break
        if now() > next_try:
            # What is painted only now was not there to be found.
            nvim.notify("nvim_input", "n")
            next_try = now() + RETRY
        nvim.run_for(0.02)
    found = None if start is None else now() - start
    return {"latencies": pages, "search": found, "search_stall": max(stalls)}
