"""A fresh Neovim with one peer in it, at whose screen somebody sits: opened, asked to send, looked at, closed.

Knows peers only by the table `Bench` (peers/common.lua), agents only by what they wrote down about themselves.
"""
import json
import os
import shutil
import sys
import tempfile

import process
from nvim import Nvim, now
from orders import Order

ROOT = os.path.dirname(os.path.abspath(__file__))
WARM_UP = 20

#: The number of lines, and the last tag and the end mark, if they are among the last lines of the transcript.
TAIL = """
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


class Desk:
    def __init__(self, peer, nvim, folder=None):
        """With a folder of before, what was kept in it is there again; else one of its own that goes with it."""
        self.own_folder = folder is None
        self.folder = folder or tempfile.mkdtemp(prefix="agor-bench-")
        self.log = self.folder + "/agent.log"
        project = self.folder + "/project"
        os.makedirs(project, exist_ok=True)
        with open(project + "/code.lua", "w") as file:
            for number in range(60):
                file.write("local function step%d(state)\n  state.count = %d\n  return state\nend\n\n" % (number, number))
        env = {name: value for name, value in os.environ.items() if not name.startswith(("NVIM", "VIM"))}
        for kind in ("CONFIG", "DATA", "STATE", "CACHE"):
            env["XDG_%s_HOME" % kind] = "%s/%s" % (self.folder, kind.lower())
            os.makedirs(env["XDG_%s_HOME" % kind], exist_ok=True)
        env.update(
            BENCH_ROOT=ROOT, BENCH_PYTHON=sys.executable, BENCH_LOG=self.log, HOME=self.folder, TERM="xterm-256color",
            XDG_RUNTIME_DIR=self.folder, NVIM_LOG_FILE=self.folder + "/nvim.log",
        )
        self.stderr = open(self.folder + "/stderr", "a")
        config = "%s/peers/%s.lua" % (ROOT, peer)
        argv = [nvim, "--embed", "-u", config, "-i", "NONE", "-n", "code.lua"]
        self.nvim = Nvim(argv, env, project, self.stderr)
        self.sessions = 1

    def events(self, kind):
        try:
            with open(self.log) as file:
                events = [json.loads(line) for line in file if line.endswith("\n")]
        except OSError:
            return []
        return [event for event in events if event["ev"] == kind]

    def event(self, kind, seed):
        return next((event for event in self.events(kind) if event["seed"] == seed), None)

    def wait(self, what, condition, limit):
        end = now() + limit
        while not condition():
            if now() > end:
                notes = self.nvim.lua("return BENCH_NOTES")
                raise TimeoutError("%s did not happen within %d s; notes: %r" % (what, limit, notes))
            self.nvim.run_for(0.05)

    def attach(self):
        self.nvim.call("nvim_ui_attach", 120, 40, {"ext_linegrid": True, "rgb": True})
        self.nvim.run_for(0.3)
        self.nvim.lua("CODE_WINDOW = vim.api.nvim_get_current_win()")

    def open(self, beside=0, board=False):
        """The peer's window, and sessions beside the shown one; a short turn in each, for what is loaded by its first use
        is not what we measure. `board`: with the list of them, if the peer has one."""
        self.nvim.lua("Bench.open()")
        for _ in range(beside):
            self.nvim.lua("Bench.beside()")
        self.sessions += beside
        self.wait("the peer's start", lambda: self.nvim.lua("return Bench.ready()"), 20)
        # Focus is back before a prompt is sent: some peers do not show what nobody sees.
        for session in range(self.sessions):
            order = Order(WARM_UP, 0, 40, "plain", 900 + session)
            self.send(order, session)
            self.wait("the first turn", lambda: self.event("done", order.seed), 20)
        self.wait("its end", lambda: self.nvim.lua("return Bench.settled()"), 20)
        if board:
            self.nvim.lua("if Bench.board then Bench.board() end")
        self.nvim.run_for(0.5)
        self.sit_down()

    def sit_down(self):
        self.nvim.lua("vim.cmd.stopinsert(); vim.api.nvim_set_current_win(CODE_WINDOW)")
        self.nvim.call("nvim_win_set_cursor", 0, [5, 0])
        self.nvim.run_for(0.3)

    def send(self, order, session=0):
        self.nvim.request(None, "nvim_exec_lua", "Bench.send(...)", [str(order), session])

    def backend_pids(self):
        """What a peer has started, but for the agents."""
        agents = {event["pid"] for event in self.events("start")}
        return [pid for pid in process.descendants(self.nvim.pid) if pid not in agents]

    def cpu(self):
        """Milliseconds of the editor, and of what the peer runs beside it."""
        return process.cpu_ms(self.nvim.pid), sum(map(process.cpu_ms, self.backend_pids()))

    def lines(self):
        return self.nvim.lua("return vim.api.nvim_buf_get_lines(Bench.buf(), 0, -1, false)")

    def said(self, session):
        """The agent's text as the peer keeps it; None if its buffer is all that it has."""
        return self.nvim.lua("return Bench.text and Bench.text(...)", session)

    def close(self):
        self.nvim.close()
        self.stderr.close()
        if self.own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)
