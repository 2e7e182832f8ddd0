"""A Neovim with a user interface of 120x40: requests with callbacks, and the moment of each flush. One thread."""
import os
import selectors
import subprocess
import time

import msgpack

now = time.monotonic


class Nvim:
    def __init__(self, argv, env, cwd, stderr):
        self.process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, env=env, cwd=cwd, bufsize=0
        )
        self.pid = self.process.pid
        self.out = self.process.stdout.fileno()
        os.set_blocking(self.out, False)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.out, selectors.EVENT_READ)
        self.unpacker = msgpack.Unpacker(
            raw=False, strict_map_key=False, unicode_errors="surrogateescape", max_buffer_size=1 << 30
        )
        self.last_id, self.callbacks = 0, {}
        self.cursor, self.changed, self.dead = (0, 0), False, False
        self.on_flush, self.on_notify = None, lambda name: None

    def send(self, message):
        view = memoryview(msgpack.packb(message, unicode_errors="surrogateescape"))
        while view:
            view = view[os.write(self.process.stdin.fileno(), view) :]

    def request(self, callback, method, *args):
        self.last_id += 1
        self.callbacks[self.last_id] = callback
        self.send([0, self.last_id, method, args])

    def notify(self, method, *args):
        self.send([2, method, args])

    def pump(self, timeout):
        """Takes what is there; waits `timeout` seconds at most."""
        if not self.selector.select(max(0, timeout)):
            return
        try:
            data = os.read(self.out, 1 << 20)
        except BlockingIOError:
            return
        if not data:
            self.dead = True
            return
        self.unpacker.feed(data)
        for message in self.unpacker:
            if message[0] == 1:
                callback = self.callbacks.pop(message[1], None)
                if callback:
                    callback(message[2], message[3])
            elif message[0] == 2 and message[1] == "redraw":
                for event in message[2]:
                    if event[0] == "grid_cursor_goto":
                        self.cursor = (event[-1][1], event[-1][2])
                    elif event[0] in ("grid_scroll", "grid_line"):
                        self.changed = True
                    elif event[0] == "flush" and self.on_flush:
                        self.on_flush(now())
            elif message[0] == 2:
                self.on_notify(message[1])
            elif message[0] == 0:
                self.send([1, message[1], None, None])

    def call(self, method, *args, timeout=60):
        box = []
        self.request(lambda error, result: box.append((error, result)), method, *args)
        end = now() + timeout
        while not box:
            if self.dead:
                raise EOFError("Neovim has ended")
            if now() > end:
                raise TimeoutError("%s was not answered within %d s" % (method, timeout))
            self.pump(0.05)
        if box[0][0]:
            raise RuntimeError("%s: %r" % (method, box[0][0]))
        return box[0][1]

    def lua(self, code, *args, timeout=60):
        return self.call("nvim_exec_lua", code, list(args), timeout=timeout)

    def run_for(self, seconds):
        end = now() + seconds
        while now() < end and not self.dead:
            self.pump(end - now())

    def close(self):
        """Ends the process that this object has started, and no other."""
        try:
            if self.process.poll() is None:
                self.notify("nvim_command", "qall!")
                self.process.wait(5)
        except (OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
