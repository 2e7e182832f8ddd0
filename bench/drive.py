#!/usr/bin/env python3
"""Types in one window while an agent streams into another, and measures how long each key takes to show.

Each peer (peers/<name>.lua) goes through each scenario in a fresh Neovim with a user interface of 120x40; peers take
turns, so that a change of the machine's mood meets all. A key is `j` or `k` in a window with a Lua file, every 20 ms; it has shown when
the cursor stands in the other row at a flush. Times are net of what other programs took from Neovim's and our own share
of the processors, and a key that was late stands also for those that would have been typed while it hung.
"""
import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile

import text
from nvim import Nvim, now

ROOT = os.path.dirname(os.path.abspath(__file__))
TICKS = os.sysconf("SC_CLK_TCK")
PERIOD = 0.020
# Probing goes on when all is there: what was put off stalls too.
TAIL = 1.0
WARM_UP = "stream 20 0 40"

SCENARIOS = {
    "s200": ("200 chunks/s of 20 characters, 10 s", "stream 2000 200 20", 40),
    "s2000": ("2,000 chunks/s of 40 characters, 10 s", "stream 20000 2000 40", 40),
    "flood": ("200,000 chunks of 40 characters at once", "stream 200000 0 40", 60),
}

# The number of lines, and the last tag and the end mark, if they are among the last lines of the transcript.
TAIL_LUA = """
local mark = ...
local buf = Bench.buf()
if not buf or not vim.api.nvim_buf_is_valid(buf) then return { 0, -1, false } end
local count = vim.api.nvim_buf_line_count(buf)
local lines = vim.api.nvim_buf_get_lines(buf, math.max(0, count - 60), count, false)
local tag, marked = -1, false
for index = #lines, 1, -1 do
  marked = marked or lines[index]:find(mark, 1, true) ~= nil
  if tag < 0 then tag = tonumber(lines[index]:match('q(%d+)q')) or -1 end
end
return { count, tag, marked }
"""


def percentile(values, percent):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * percent / 100))] if values else None


def with_omitted(latencies):
    """While one key hung for L ms, the keys of those L ms would have waited L-20, L-40, ... ms."""
    out = []
    for latency in latencies:
        while latency > 0:
            out.append(latency)
            latency -= PERIOD * 1000
    return out


def schedule(pid):
    """Milliseconds that the main thread has run, and that it could have run but had to wait for a processor."""
    with open("/proc/%d/task/%d/schedstat" % (pid, pid)) as file:
        ran, waited = file.read().split()[:2]
    return int(ran) / 1e6, int(waited) / 1e6


def cpu_seconds(pid):
    with open("/proc/%d/stat" % pid) as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Run:
    def __init__(self, peer, nvim):
        self.folder = tempfile.mkdtemp(prefix="agor-bench-")
        self.log = self.folder + "/agent.log"
        project = self.folder + "/project"
        os.mkdir(project)
        with open(project + "/code.lua", "w") as file:
            for number in range(60):
                file.write("local function step%d(state)\n  state.count = %d\n  return state\nend\n\n" % (number, number))
        env = {name: value for name, value in os.environ.items() if not name.startswith(("NVIM", "VIM"))}
        for kind in ("CONFIG", "DATA", "STATE", "CACHE"):
            env["XDG_%s_HOME" % kind] = "%s/%s" % (self.folder, kind.lower())
            os.mkdir(env["XDG_%s_HOME" % kind])
        env.update(
            BENCH_ROOT=ROOT, BENCH_PYTHON=sys.executable, BENCH_LOG=self.log, HOME=self.folder, TERM="xterm-256color",
            XDG_RUNTIME_DIR=self.folder, NVIM_LOG_FILE=self.folder + "/nvim.log",
        )
        self.stderr = open(self.folder + "/stderr", "w")
        config = "%s/peers/%s.lua" % (ROOT, peer)
        argv = [nvim, "--embed", "-u", config, "-i", "NONE", "-n", "code.lua"]
        self.nvim = Nvim(argv, env, project, self.stderr)
        self.turn = 0

    def agent_event(self, kind, turn):
        try:
            with open(self.log) as file:
                events = [json.loads(line) for line in file if line.endswith("\n")]
        except OSError:
            return None
        return next((event for event in events if event["ev"] == kind and event.get("turn", turn) == turn), None)

    def wait(self, what, condition, limit):
        end = now() + limit
        while not condition():
            if now() > end:
                notes = self.nvim.lua("return BENCH_NOTES")
                raise TimeoutError("%s did not happen within %d s; notes: %r" % (what, limit, notes))
            self.nvim.run_for(0.05)

    def prepare(self):
        nvim = self.nvim
        nvim.call("nvim_ui_attach", 120, 40, {"ext_linegrid": True, "rgb": True})
        nvim.run_for(0.3)
        nvim.lua("CODE_WINDOW = vim.api.nvim_get_current_win()")
        nvim.lua("Bench.open()")
        self.wait("the peer's start", lambda: nvim.lua("return Bench.ready()"), 20)
        # What is loaded by its first use is not what we measure.
        self.turn = 1
        nvim.lua("Bench.send(...)", WARM_UP)
        self.wait("the first turn", lambda: self.agent_event("done", 1), 20)
        self.wait("its end", lambda: nvim.lua("return Bench.settled()"), 20)
        nvim.run_for(0.5)
        nvim.lua("vim.cmd.stopinsert(); vim.api.nvim_set_current_win(CODE_WINDOW)")
        nvim.call("nvim_win_set_cursor", 0, [5, 0])
        nvim.run_for(0.3)

    def measure(self, order, limit):
        nvim, own = self.nvim, os.getpid()
        self.turn += 1
        turn = self.turn
        latencies, tags = [], []
        key = {"sent": None}
        seen = {"all": None, "asking": False}
        cpu_before = cpu_seconds(nvim.pid)

        def on_flush(moment):
            if key["sent"] is None or nvim.cursor[0] == key["row"]:
                return
            ran, waited = (after - before for after, before in zip(schedule(nvim.pid), key["nvim"]))
            own_wait = schedule(own)[1] - key["own"]
            latency = (moment - key["sent"]) * 1000
            latencies.append(max(ran, latency - waited - own_wait, 0.05))
            key["sent"] = None

        def on_tail(error, result):
            seen["asking"] = False
            if error:
                raise RuntimeError(error)
            tags.append((now(), result[1]))
            if result[2] and seen["all"] is None:
                seen["all"] = now()

        mark = text.end_mark(turn)
        nvim.on_flush = on_flush
        nvim.request(None, "nvim_exec_lua", "Bench.send(...)", [order])
        start = now()
        next_key, next_look, down = start, start + 0.25, True
        last = None
        while True:
            moment = now()
            if nvim.dead:
                raise EOFError("Neovim has ended")
            if seen["all"] and moment > seen["all"] + TAIL and key["sent"] is None:
                break
            if moment > start + limit:
                break
            if key["sent"] is None and moment >= next_key:
                key.update(row=nvim.cursor[0], nvim=schedule(nvim.pid), own=schedule(own)[1])
                key["sent"] = now()
                nvim.notify("nvim_input", "j" if down else "k")
                down = not down
                next_key = max(next_key + PERIOD, moment)
            if not seen["asking"] and seen["all"] is None and moment >= next_look:
                last = last or self.agent_event("last", turn)
                seen["asking"] = True
                nvim.request(on_tail, "nvim_exec_lua", TAIL_LUA, [mark])
                next_look = moment + (0.01 if last else 0.25)
            nvim.pump(min(0.005, max(0.0, next_key - moment)))
        nvim.on_flush = None
        if key["sent"] is not None:
            latencies.append((now() - key["sent"]) * 1000)
        last = self.agent_event("last", turn)
        complete, missing = self.compare(order, turn)
        keys = with_omitted(latencies)
        return {
            "p50": percentile(keys, 50), "p99": percentile(keys, 99), "max": max(keys),
            "age": percentile(self.ages(order, turn, last, tags), 50),
            "total": seen["all"] - last["first"] if last and seen["all"] else None,
            "cpu": cpu_seconds(nvim.pid) - cpu_before,
            "complete": complete, "missing": missing,
        }

    def ages(self, order, turn, last, tags):
        """How old the newest text in the buffer was, in milliseconds, each time one looked; for paced streams."""
        count, rate, size = map(int, order.split()[1:])
        if not rate or not last:
            return []
        source, position, begins = text.Text(turn), 0, []
        while position < count * size:
            begins.append(position)
            position += len(source.line())
        ages = []
        for moment, tag in tags:
            # The next line's first characters have not arrived: what is there ends somewhere before them.
            if 0 <= tag < len(begins) - 1 and moment < last["t"]:
                ages.append(max(0.0, (moment - last["first"] - begins[tag + 1] / size / rate) * 1000))
        return ages

    def compare(self, order, turn):
        """Whether the lines of the agent's text, but for blank ones and fences, are all there and in order: in the buffer,
        or in what the peer says is its text, if its buffer is a view that may leave out what lies far above."""
        count, _, size = map(int, order.split()[1:])
        whole = "".join("".join(chunks) for chunks in text.blocks(count, size, turn))
        want = [line for line in whole.split("\n") if "q" in line and not line.startswith("```")]
        have = self.nvim.lua(
            "return Bench.text and vim.split(Bench.text(), '\\n') or vim.api.nvim_buf_get_lines(Bench.buf(), 0, -1, false)"
        )
        rest = iter(have)
        missing = sum(1 for line in want if line not in rest)
        return missing == 0, missing

    def close(self):
        self.nvim.close()
        self.stderr.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def once(peer, scenario, nvim):
    _, order, limit = SCENARIOS[scenario]
    run = Run(peer, nvim)
    try:
        run.prepare()
        return run.measure(order, limit)
    finally:
        run.close()


def show(value, digits=2):
    return "-" if value is None else "%.*f" % (digits, value)


def table(scenario, peers, results):
    print("\n%s: %s\n" % (scenario, SCENARIOS[scenario][0]))
    row = "%-11s %8s %8s %8s %10s %9s %9s %8s  %s"
    heads = ("peer", "p50 ms", "p99 ms", "max ms", "p99/limit", "max/limit", "age ms", "total s", "nvim CPU s")
    print(row % heads)
    median = {}
    for peer in peers:
        runs = results[peer]
        values = {
            name: statistics.median(run[name] for run in runs) if all(run[name] is not None for run in runs) else None
            for name in ("p50", "p99", "max", "age", "total", "cpu")
        }
        median[peer] = values
    base = median.get("limit")
    for peer in peers:
        values = median[peer]
        ratios = [show(values[name] / base[name], 1) + "x" if base else "-" for name in ("p99", "max")]
        print(
            row
            % (peer, *(show(values[name]) for name in ("p50", "p99", "max")), *ratios, show(values["age"], 0),
               show(values["total"]), show(values["cpu"]))
        )


def main():
    parser = argparse.ArgumentParser(description="How an editor feels while an agent streams.")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--scenarios", default=",".join(SCENARIOS))
    parser.add_argument("--peers", default="floor,limit,agor,agor-acp,agor-codex")
    options = parser.parse_args()
    peers, scenarios = options.peers.split(","), options.scenarios.split(",")
    nvim = os.environ["BENCH_NVIM"]
    incomplete = []
    for scenario in scenarios:
        results = {peer: [] for peer in peers}
        for number in range(options.rounds):
            for peer in peers:
                print("%s, round %d: %s" % (scenario, number + 1, peer), file=sys.stderr)
                result = once(peer, scenario, nvim)
                results[peer].append(result)
                if not result["complete"]:
                    incomplete.append("%s lacks %d lines of the text in %s" % (peer, result["missing"], scenario))
        table(scenario, peers, results)
    print("\nEvery key's time is net of other programs. limit: what a backend that does nothing can reach.")
    for sentence in incomplete:
        print(sentence, file=sys.stderr)
    sys.exit(1 if incomplete else 0)


main()
