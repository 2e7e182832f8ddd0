#!/usr/bin/env python3
"""What agor costs before anything streams, and what it leaves behind: start, memory, a long journal, the end.

`bench/run start [--rounds N]`. Each figure beside its bound; the least of all rounds tells what the program costs, the median what
the machine made of it.
"""
import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import tempfile
import time

import process
from desk import ROOT, Desk
from nvim import now
from orders import Order

NVIM = os.environ["BENCH_NVIM"]
PEER = "agor"
AGENTS = 8
TEXT = Order(25_600, 0, 4096, "plain", 1)
#: Tells when the transcript's buffer gets its first line. The channel of whoever embeds Neovim is 1.
WATCH_FIRST = """
vim.api.nvim_create_autocmd('FileType', { pattern = 'agor', once = true, callback = function(event)
  vim.api.nvim_buf_attach(event.buf, false, { on_lines = function()
    vim.rpcnotify(1, 'first')
    return true
  end })
end })
"""


def sourced():
    """Milliseconds that Neovim's start takes longer by plugin/agor.lua, by its own account."""
    with tempfile.TemporaryDirectory() as folder:
        times = folder + "/times"
        env = {**os.environ, "BENCH_ROOT": ROOT, "HOME": folder, "XDG_CONFIG_HOME": folder, "BENCH_PYTHON": ""}
        config = "%s/peers/%s.lua" % (ROOT, PEER)
        argv = [NVIM, "--headless", "-u", config, "-i", "NONE", "-n", "--startuptime", times, "+qa!"]
        subprocess.run(argv, env=env, cwd=folder, stdin=subprocess.DEVNULL, check=True, capture_output=True, timeout=60)
        with open(times) as file:
            found = re.search(r"^\S+\s+(\S+)\s+\S+: sourcing \S*plugin/agor\.lua", file.read(), re.M)
    return float(found.group(1))


def first_screen():
    """Milliseconds from `:AgorStart demo` to its window and to the backend's first words in it; MB of the backend and of the
    keeper when all is quiet."""
    desk = Desk(PEER, NVIM)
    try:
        desk.attach()
        nvim = desk.nvim
        window, first = [], []
        nvim.lua(WATCH_FIRST)

        def waited():
            # What the backend waits for a processor is not known so exactly: that wants a quiet machine.
            return process.schedule(nvim.pid)[1]

        def since_start(moments):
            return lambda moment: moments or moments.append((moment - start) * 1000 - waited() + before)

        nvim.changed = False
        nvim.on_flush = lambda moment: nvim.changed and since_start(window)(moment)
        nvim.on_notify = lambda _: since_start(first)(now())
        before, start = waited(), now()
        nvim.notify("nvim_command", "AgorStart demo")
        desk.wait("the window and the first answer", lambda: window and first, 20)
        nvim.on_flush = None
        nvim.run_for(3)
        backend = desk.backend_pids()[0]
        [keeper] = [pid for pid in desk.backend_pids() if process.command_line(pid)[1:2] == ["keep"]]
        memory = [process.memory_mb(pid) for pid in (backend, keeper)]
        return window[0], first[0], *memory
    finally:
        desk.close()


def journal():
    """MB of the backend after 100 MB of text, and seconds until another editor shows the end of the journal."""
    folder = tempfile.mkdtemp(prefix="agor-bench-")
    try:
        desk = Desk(PEER, NVIM, folder)
        try:
            desk.attach()
            desk.open()
            desk.send(TEXT)
            desk.wait("the turn", lambda: desk.event("done", TEXT.seed), 120)
            desk.wait("its end", lambda: desk.nvim.lua("return Bench.settled()"), 120)
            desk.nvim.run_for(1)
            memory = process.memory_mb(desk.backend_pids()[0])
        finally:
            desk.close()
        [name] = [name for name in os.listdir(folder + "/data/nvim/agor/sessions") if name.endswith(".ndjson")]
        desk = Desk(PEER, NVIM, folder)
        try:
            desk.attach()
            # Its program is started and greeted by a session of its own: only the journal is measured.
            desk.nvim.lua("Bench.open()")
            desk.wait("the start", lambda: desk.nvim.lua("return Bench.ready()"), 20)
            desk.nvim.lua("vim.api.nvim_set_current_win(CODE_WINDOW)")
            start = now()
            desk.nvim.notify("nvim_command", "edit agor://" + name.removesuffix(".ndjson"))
            code = "return vim.fn.search(..., 'nwb') > 0"
            while not desk.nvim.lua(code, TEXT.end_mark()):
                if now() > start + 60:
                    raise TimeoutError("the journal was not shown")
                desk.nvim.run_for(0.005)
            return memory, now() - start
        finally:
            desk.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def end():
    """Seconds until Neovim is gone with eight agents in the middle of a turn, and how many processes live 3 s later."""
    desk = Desk(PEER, NVIM)
    try:
        desk.attach()
        desk.open(AGENTS - 1)
        for session in range(AGENTS):
            desk.send(Order(100_000, 200, 40, "plain", 100 + session), session)
        desk.nvim.run_for(2)
        family = process.descendants(desk.nvim.pid)
        start = now()
        desk.nvim.notify("nvim_command", "qall!")
        while desk.nvim.process.poll() is None and now() < start + 20:
            # What it draws has to be read; nobody does when it is dead.
            desk.nvim.pump(0.001) if not desk.nvim.dead else time.sleep(0.001)
        gone = now() - start
        left = family
        while left and now() < start + 3:
            time.sleep(0.05)
            left = [pid for pid in left if process.command_line(pid)]
        return gone, len(left)
    finally:
        desk.close()


def main():
    parser = argparse.ArgumentParser(description="What agor costs before anything streams, and what it leaves behind.")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--record", metavar="FILE", help="adds the figures to it, a line of JSON")
    options = parser.parse_args()
    screens = [first_screen() for _ in range(options.rounds)]
    window, first, idle, keeper = zip(*screens)
    journals = [journal() for _ in range(max(1, options.rounds // 5))]
    ends = [end() for _ in range(max(1, options.rounds // 3))]
    text_mb = TEXT.count * TEXT.size / 1e6
    rows = [
        ("added to Neovim's start, ms", [sourced() for _ in range(2 * options.rounds)], 0.5),
        (":AgorStart demo to its window, ms", window, 30),
        (":AgorStart demo to the first answer, ms", first, 50),
        ("backend, idle, MB", idle, 12),
        ("a keeper, MB", keeper, 2),
        ("backend after %d MB of text, MB" % text_mb, [memory for memory, _ in journals], 40 + 1.5 * text_mb),
        ("a journal of that to its screen, s", [seconds for _, seconds in journals], 1),
        (":qa! with %d running agents, s" % AGENTS, [seconds for seconds, _ in ends], 0.3),
        ("processes left 3 s later", [left for _, left in ends], 0),
    ]
    print("%-42s %9s %9s %9s" % ("", "least", "median", "bound"))
    for name, values, bound in rows:
        verdict = "" if min(values) <= bound else "  over"
        print("%-42s %9.2f %9.2f %9g%s" % (name, min(values), statistics.median(values), bound, verdict))
    if options.record:
        with open(options.record, "a") as file:
            file.write(json.dumps({name: list(values) for name, values, _ in rows}) + "\n")


main()
