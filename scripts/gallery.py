"""An agent for pictures: speaks the Agent Client Protocol and plays one scene a prompt, the same each time.

  prose code tools edit plan agents long ask    a scene of that name
  apply tidy                                    as edit, and the files are written; and some moved and removed
"""
import json
import pathlib
import sys
import time

serial = 0
turn = 0
cwd = pathlib.Path()


def send(message):
    sys.stdout.write(json.dumps({'jsonrpc': '2.0', **message}) + '\n')
    sys.stdout.flush()


def update(what, **fields):
    send({'method': 'session/update', 'params': {'sessionId': 'gallery', 'update': {'sessionUpdate': what, **fields}}})


def text_block(text):
    return {'type': 'content', 'content': {'type': 'text', 'text': text}}


def say(text):
    for start in range(0, len(text), 200):
        update('agent_message_chunk', content={'type': 'text', 'text': text[start:start + 200]})


def think(text):
    update('agent_thought_chunk', content={'type': 'text', 'text': text})


def call(number, title, kind, status='completed', content=(), raw=None, **fields):
    update('tool_call', toolCallId=known(number), title=title, kind=kind, status='pending', rawInput=raw or {}, **fields)
    update('tool_call_update', toolCallId=known(number), status=status, content=list(content))


def known(number):
    """A call's id, which no other turn has."""
    return f'call-{turn}-{number}'


def diff(path, old, new):
    return {'type': 'diff', 'path': path, 'oldText': old, 'newText': new}


PROSE = """\
## What slows it down

The reader *waits for the renderer*: each chunk goes through `render()` before the next `read()`. Three things follow from that.

1. A **slow frame** stalls the pipe, and with it the agent.
2. What was typed meanwhile is drawn late:
   - keys in the *same* window
   - keys in **every other** window too
3. Memory grows while ~~nothing~~ little is shown.

> The reader must never wait for the screen.

| figure | before | after |
| :--- | ---: | ---: |
| key, p99 | 74.1 ms | **0.9 ms** |
| text on screen, p50 | 180 ms | 14 ms |
| flood of 200,000 chunks | 31 s | 2.8 s |

- [x] read on a thread of its own
- [x] merge what has come within a frame
- [ ] measure it again on a slow terminal

The rest is in [the design](https://example.org/design.html), and in `src/flow.rs:42`.

---

> [!WARNING]
> A pipe that nobody reads loses what is written to it.
"""

CODE = """\
The same counter in four languages:

```rust
/// Counts what has come since the last frame.
pub fn merge(lines: &[Line], budget: &mut Budget) -> usize {
    let fits = lines.iter().take_while(|line| budget.spend(line.len() + 1));
    fits.count().max(1) // never nothing: a frame has to move on
}
```

```typescript
export async function* frames(source: AsyncIterable<string>, limit = 16_384) {
  let waiting = '';
  for await (const chunk of source) {
    waiting += chunk;
    if (waiting.length >= limit) { yield waiting; waiting = ''; }
  }
}
```

```python
@dataclass
class Frame:
    lines: list[str] = field(default_factory=list)

    def fits(self, line: str) -> bool:
        return sum(map(len, self.lines)) + len(line) <= 16 * 1024  # bytes
```

```sh
# How long a key takes while 200,000 chunks arrive
make bench BENCH="--scenarios flood --rounds ${ROUNDS:-3}" | tee /tmp/flood.txt
```

```json
{ "scenario": "flood", "p99_ms": 0.94, "exact": true, "missing": null }
```
"""

OLD = """\
use std::io::{self, BufRead};

/// Reads lines until the end.
pub fn lines(input: &mut impl BufRead) -> io::Result<Vec<String>> {
    let mut out = Vec::new();
    let mut line = String::new();
    while input.read_line(&mut line)? > 0 {
        out.push(line.clone());
        line.clear();
    }
    Ok(out)
}
"""

NEW = """\
use std::io::{self, BufRead};

/// Reads lines until the end, each without its line feed.
pub fn lines(input: &mut impl BufRead, limit: usize) -> io::Result<Vec<String>> {
    let mut out = Vec::new();
    let mut line = String::new();
    while out.len() < limit && input.read_line(&mut line)? > 0 {
        out.push(line.trim_end_matches('\\n').to_owned());
        line.clear();
    }
    Ok(out)
}
"""


def prose():
    think('The pipe is read where it is rendered; that is the first thing to look at.')
    say(PROSE)


def code():
    say(CODE)


def tools():
    think('Look at the tests first.')
    call(1, 'src/flow.rs', 'read', content=[text_block('1\n2\n3\n')], locations=[{'path': 'src/flow.rs'}])
    call(2, 'merge(', 'search', content=[text_block('src/flow.rs:42: pub fn merge(\nsrc/view.rs:7: use merge;')])
    call(3, 'cargo test flow', 'execute', 'failed',
         [text_block('running 3 tests\ntest flow::one ... ok\ntest flow::two ... FAILED\n\nassertion failed: left == right\n'
                     '  left: 41\n right: 42\n\ntest result: FAILED. 2 passed; 1 failed')])
    say('One test fails: an off by one in `src/flow.rs:42`.\n')
    call(4, 'cargo test', 'execute', content=[text_block('test result: ok. 1240 passed; 0 failed')])
    call(5, 'https://example.org/design.html', 'fetch', content=[text_block('The design')])
    update('tool_call', toolCallId=known(6), title='cargo bench --bench flow', kind='execute', status='in_progress', rawInput={})
    update('tool_call_update', toolCallId=known(6), content=[text_block('Benchmarking flow/merge: Warming up for 3.0000 s')])
    wait()


def edit():
    say('`lines` gets a limit, and lines come without their end:\n')
    call(1, 'src/lines.rs', 'edit', content=[diff('src/lines.rs', OLD, NEW)], locations=[{'path': 'src/lines.rs'}])
    call(2, 'tests/lines.rs', 'edit', content=[diff('tests/lines.rs', None, NEW.split('\n\n')[0] + '\n\n#[test]\nfn two() {}\n')])
    say('Both are written; the tests pass.\n')


def apply():
    edit()
    for path, text in (('src/lines.rs', NEW), ('tests/lines.rs', NEW.split('\n\n')[0] + '\n\n#[test]\nfn two() {}\n')):
        (cwd / path).parent.mkdir(parents=True, exist_ok=True)
        (cwd / path).write_text(text)


def tidy():
    apply()
    call(3, 'git mv src/rows.rs src/row.rs && rm Cargo.toml', 'execute')
    (cwd / 'src/rows.rs').rename(cwd / 'src/row.rs')
    (cwd / 'Cargo.toml').unlink()


def plan():
    steps = ['Read how lines are cut', 'Write a failing test', 'Cut at the limit', 'Run all tests', 'Write it into the changelog']
    for done in range(4):
        states = ['completed'] * done + ['in_progress'] + ['pending'] * (len(steps) - done - 1)
        update('plan', entries=[{'content': step, 'priority': 'medium', 'status': state} for step, state in zip(steps, states)])
        if done == 1:
            think('The test has to fail for the right reason.')
    say('Three of five are done. The next one takes a while.\n')
    call(1, 'cargo test --all', 'execute', content=[text_block('test result: ok. 1240 passed')])


def ask():
    say('This is the change, if you allow it:\n')
    update('tool_call', toolCallId=known(1), title='src/lines.rs', kind='edit', status='pending', rawInput={'path': 'src/lines.rs'},
           content=[diff('src/lines.rs', OLD, NEW)])
    options = [('once', 'Allow once', 'allow_once'), ('always', 'Allow for this session', 'allow_always'), ('no', 'Reject', 'reject_once')]
    request('session/request_permission', {
        'sessionId': 'gallery',
        'toolCall': {'toolCallId': known(1), 'title': 'src/lines.rs', 'kind': 'edit', 'content': [diff('src/lines.rs', OLD, NEW)]},
        'options': [{'optionId': name, 'name': title, 'kind': kind} for name, title, kind in options]})
    update('tool_call_update', toolCallId=known(1), status='completed')


def long():
    for number in range(400):
        say(f'Paragraph {number} of a long answer, of which nobody has to read more than the end.\n\n')


SCENES = {scene.__name__: scene for scene in (prose, code, tools, edit, apply, tidy, plan, ask, long)}


def wait():
    """Until the turn is cancelled."""
    while True:
        message = receive()
        if message.get('method') == 'session/cancel':
            return
        handle(message)


def receive():
    line = sys.stdin.readline()
    if not line:
        sys.exit(0)
    return json.loads(line)


def request(method, params):
    global serial
    serial += 1
    send({'id': f'gallery-{serial}', 'method': method, 'params': params})
    while True:
        message = receive()
        if message.get('id') == f'gallery-{serial}' and 'method' not in message:
            return message
        if message.get('method') == 'session/cancel':
            continue
        handle(message)


def handle(message):
    global turn, cwd
    method, params, number = message.get('method'), message.get('params') or {}, message.get('id')
    result, error = {}, None
    if method == 'initialize':
        result = {'protocolVersion': 1, 'agentInfo': {'name': 'gallery', 'version': '1'},
                  'agentCapabilities': {'promptCapabilities': {'image': True}}}
    elif method == 'session/new':
        cwd = pathlib.Path(params['cwd'])
        modes = [{'id': mode, 'name': mode.title()} for mode in ('ask', 'edit', 'plan')]
        models = [{'modelId': model, 'name': model.title()} for model in ('large', 'small')]
        commands = [('review', 'Review the changes of this branch'), ('init', 'Write a guide to this repository'),
                    ('compact', 'Summarize the conversation to make room')]
        result = {'sessionId': 'gallery', 'modes': {'currentModeId': 'ask', 'availableModes': modes},
                  'models': {'currentModelId': 'large', 'availableModels': models}}
        send({'id': number, 'result': result})
        update('available_commands_update', availableCommands=[{'name': name, 'description': what} for name, what in commands])
        return
    elif method == 'session/prompt':
        text = ' '.join(block['text'] for block in params['prompt'] if block['type'] == 'text')
        scene = next((scene for name, scene in SCENES.items() if name in text.split()), prose)
        time.sleep(0.3)
        turn += 1
        scene()
        result = {'stopReason': 'end_turn'}
    elif method not in ('session/set_mode', 'session/set_model', 'session/cancel') and number is not None:
        error = {'code': -32601, 'message': f'unknown method {method}'}
    if number is not None:
        send({'id': number, 'error': error} if error else {'id': number, 'result': result})


while True:
    handle(receive())
