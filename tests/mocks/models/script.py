"""What the model says, whatever API it is asked through.

The newest user text that holds "SCENARIO:<word>[:argument]" picks the script; how many results of tools follow it picks the
step. The argument ends at the first space; "+" in it stands for one.

    text                 one sentence
    echo:TEXT            says it
    thinking             thinks, then answers
    long:N, slow:N       N words, at once or one in 200 ms
    bash[:CMD]           runs a command; by default one that makes made.txt
    escalated[:CMD]      the same, where there is a sandbox outside of it
    edit                 reads hello.txt and turns "hello world" into "hello there"
    write[:FILE]         makes notes.txt
    todo                 a plan of two steps, the first done in the end
    ask                  a question of the model's own, where the agent has a tool for it
    propose              a plan to approve, as Codex's models write one
    delegate             an agent of its own does the "text", and is waited for
    mcp                  calls the tool "echo" of the MCP server "files"
    error<CODE>[:N]      the HTTP status, N times or always
    drop                 the connection breaks in the middle of a text, once
    hang                 nothing is ever said
"""
import re
from collections import namedtuple

Text = namedtuple("Text", "words delay")
Reason = namedtuple("Reason", "text")
Tool = namedtuple("Tool", "kind input")
# The newest scenario: its word and argument, and the index of the message that names it (-1: none does).
Scenario = namedtuple("Scenario", "word argument index")

NAMED = re.compile(r"SCENARIO:([a-z]+[0-9]*)(?::(\S+))?")
NONE = Scenario(None, "", -1)


def words(text):
    return re.findall(r"\S+\s*|\s+", text)


def text(line):
    return Text(words(line), 0)


def find(messages):
    """`messages` are (role, text) pairs, oldest first."""
    for index in range(len(messages) - 1, -1, -1):
        role, said = messages[index]
        if role != "user":
            continue
        hits = list(NAMED.finditer(said))
        if hits:
            word, argument = hits[-1].groups()
            return Scenario(word, (argument or "").replace("+", " "), index)
    return NONE


def play(scenario, step, last_result):
    """The parts of the answer. `last_result` is what the newest tool gave, as text."""
    word, argument = scenario.word, scenario.argument
    done = [text("Done. Last tool result was: " + " ".join(last_result.split())[:300])]
    count = int(argument) if argument.isdigit() else 0
    if word is None:
        return [text("No scenario word found.")]
    if word == "text":
        return [text("Hello from the mock. This is a plain answer.")]
    if word == "echo":
        return [text("Echo: " + argument)]
    if word == "thinking":
        return [Reason("**Thinking it over**\n\nFirst this, then that."), text("After thinking: 42.")]
    if word == "long":
        return [Text(["word%d " % n for n in range(count or 100)], 0)]
    if word == "slow":
        return [Text(["slow%d " % n for n in range(count or 50)], 0.2)]
    if word in ("bash", "escalated"):
        command = argument or "echo hello-from-bash > made.txt && cat made.txt"
        if step == 0:
            return [text("I will run a command."), Tool("shell", {"command": command, "escalated": word == "escalated"})]
        return done
    if word == "edit":
        change = {"path": argument or "hello.txt", "old": "hello world", "new": "hello there"}
        return [[Tool("read", {"path": change["path"]})], [Tool("edit", change)], done][min(step, 2)]
    if word == "write":
        if step == 0:
            return [Tool("write", {"path": argument or "notes.txt", "content": "line one\nline two\n"})]
        return done
    if word == "todo":
        states = [("in_progress", "pending"), ("completed", "in_progress")]
        if step < 2:
            return [Tool("plan", {"steps": list(zip(("Look", "Fix"), states[step]))})]
        return done
    if word == "ask":
        return [Tool("ask", {"question": "Which colour?", "options": ["Red", "Blue"]})] if step == 0 else done
    if word == "propose":
        return [text("Here it is.\n<proposed_plan>\n# The plan\n- first this\n- then that\n</proposed_plan>\n")]
    if word == "delegate":
        return [[Tool("delegate", {"name": "helper", "task": "Answer shortly."})], [Tool("await", {})], done][min(step, 2)]
    if word == "mcp":
        return [Tool("mcp", {"server": "files", "tool": "echo", "input": {"text": "hi"}})] if step == 0 else done
    return [text("Unknown scenario %r" % word)]
