"""A scripted agent: does what its arguments say, one after the other.

Each argument is a step, 'name' or 'name=value'. The children that it leaves behind write their pids into the file that
$PIDS names, so that a test finds those too that got rid of the marks in their environment.
"""

import os
import signal
import sys
import time


PIDS = os.environ.get('PIDS', '/dev/null')


def out(data):
    while data:
        data = data[os.write(1, data):]


def note(pid):
    """One write: several processes use the file at once."""
    with open(PIDS, 'ab', buffering=0) as file:
        file.write(b'%d\n' % pid)


def fork(then):
    """A child that runs `then` and then sleeps for ever; returns when it has noted its pid."""
    ready, done = os.pipe()
    if os.fork() == 0:
        os.close(ready)
        then()
        note(os.getpid())
        os.write(done, b'x')
        os.close(done)
        forever()
    os.close(done)
    os.read(ready, 1)
    os.close(ready)


def forever():
    while True:
        time.sleep(1000)


def ignore(*signals):
    for number in signals or (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def daemon():
    """setsid, and a second fork whose parent goes away."""
    os.setsid()
    if os.fork() != 0:
        os._exit(0)
    ignore()


def family():
    """A child, one in a session of its own, a daemon, and one without environment; all deaf."""
    fork(ignore)
    fork(lambda: (os.setsid(), ignore()))
    fork(daemon)
    fork(lambda: (os.setsid(), ignore(), unmarked()))


def unmarked():
    """As `env -i` does; the new program takes part from its beginning."""
    read, write = os.pipe()
    os.set_inheritable(write, True)
    if os.fork() == 0:
        code = (
            'import os,signal,time\n'
            'for s in (1,2,15): signal.signal(s, signal.SIG_IGN)\n'
            f'f=open({PIDS!r},"ab",buffering=0); f.write(b"%d\\n" % os.getpid()); os.write({write}, b"x")\n'
            'while True: time.sleep(1000)\n'
        )
        os.execve(sys.executable, [sys.executable, '-S', '-E', '-c', code], {})
    os.close(write)
    os.read(read, 1)
    os.close(read)


def on_signals():
    def handler(number, _frame):
        out(f'got {signal.Signals(number).name}\n'.encode())
        if number == signal.SIGTERM:
            sys.exit(7)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handler)


def last_words():
    """For a test that cannot hear it any more."""
    def handler(number, _frame):
        with open('last words', 'w') as file:
            file.write(signal.Signals(number).name)
        sys.exit(0)
    signal.signal(signal.SIGTERM, handler)


def descriptors():
    names = sorted(int(name) for name in os.listdir('/proc/self/fd'))
    # The last one is that of the listing itself.
    out(f'fds {names[:-1]}\n'.encode())


def echo():
    for line in sys.stdin:
        out(b'echo ' + line.encode())


def read_line():
    """One line and not a byte more, as none of the usual readers would."""
    text = b''
    while not text.endswith(b'\n'):
        text += os.read(0, 1)


def step(word):
    name, _, rest = word.partition('=')
    if name == 'say':
        out(rest.encode() + b'\n')
    elif name == 'raw':
        out(rest.encode())
    elif name == 'err':
        os.write(2, rest.encode() + b'\n')
    elif name == 'long':
        chunk = b'x' * (1 << 20)
        for _ in range(int(rest)):
            out(chunk)
        out(b'\n')
    elif name == 'flood':
        chunk = b'{"type":"chunk","text":"forty bytes of text"}\n'
        for _ in range(int(rest) // 1000):
            out(chunk * 1000)
    elif name == 'drip':
        for byte in rest.encode() + b'\n':
            out(bytes([byte]))
    elif name == 'binary':
        out(b'a\xff\xe2\x82\n')
    elif name == 'eof':
        while os.read(0, 65536):
            pass
        out(b'eof\n')
    elif name == 'env':
        out((os.environ.get(rest, '(unset)') + '\n').encode())
    elif name == 'cwd':
        out(os.getcwd().encode() + b'\n')
    elif name == 'close':
        os.close(int(rest))
    elif name == 'exit':
        os._exit(int(rest))
    elif name == 'die':
        os.kill(os.getpid(), int(rest))
    else:
        {
            'family': family,
            'daemon': lambda: fork(daemon),
            'deaf': ignore,
            'signals': on_signals,
            'descriptors': descriptors,
            'echo': echo,
            'read-line': read_line,
            'last-words': last_words,
            'forever': forever,
        }[name]()


for argument in sys.argv[1:]:
    step(argument)
