"""What the kernel knows of processes: their time on a processor, their memory, their children. Linux only."""
import os
import re


def schedule(pid):
    """Milliseconds that the main thread has run, and that it could have run but had to wait for a processor."""
    with open("/proc/%d/task/%d/schedstat" % (pid, pid)) as file:
        ran, waited = file.read().split()[:2]
    return int(ran) / 1e6, int(waited) / 1e6


def cpu_ms(pid):
    """Of all its threads that still run; none of ours ends before its process."""
    total = 0
    try:
        for thread in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/schedstat" % (pid, thread)) as file:
                total += int(file.read().split()[0])
    except OSError:
        pass
    return total / 1e6


def descendants(root):
    children = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name) as file:
                    parent = int(file.read().rpartition(")")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(name))
    out, todo = [], [root]
    while todo:
        below = children.get(todo.pop(), [])
        out += below
        todo += below
    return out


def command_line(pid):
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as file:
            return [part.decode(errors="replace") for part in file.read().split(b"\0")[:-1]]
    except OSError:
        return []


def memory_mb(pid, field="VmRSS"):
    """`VmHWM`: the most that it ever had."""
    with open("/proc/%d/status" % pid) as file:
        return int(re.search(field + r":\s+(\d+)", file.read()).group(1)) / 1024
