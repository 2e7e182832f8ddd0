"""A runner for pictures: an agent with two subagents, by the sidecar protocol and in Claude Code's words. It plays the same each time."""
import json
import sys
import time


def send(message):
    sys.stdout.write(json.dumps(message) + '\n')
    sys.stdout.flush()


def event(kind, content, parent=None, **fields):
    role = 'assistant' if kind == 'assistant' else 'user'
    message = {'role': role, 'content': content, **fields}
    send({'type': 'agent_event', 'event': {'type': kind, 'message': message, 'parent_tool_use_id': parent, 'session_id': 'gallery'}})


def call(number, name, parent=None, **given):
    event('assistant', [{'type': 'tool_use', 'id': f'tool-{number}', 'name': name, 'input': given}], parent, id=f'message-{number}')


def result(number, text, parent=None):
    event('user', [{'type': 'tool_result', 'tool_use_id': f'tool-{number}', 'content': text}], parent)


def say(number, text, parent=None):
    event('assistant', [{'type': 'text', 'text': text}], parent, id=f'message-{number}')


def play():
    say(1, 'Two things can be looked at side by side.')
    call(2, 'Agent', description='Find who reads the pipe', prompt='Find who reads the pipe.', subagent_type='Explore')
    call(3, 'Agent', description='Find what the tests miss', prompt='Find what the tests miss.', subagent_type='Explore')
    call(4, 'Grep', 'tool-2', pattern='read_until', path='src')
    result(4, 'src/lines.rs:42\nsrc/flow.rs:7', 'tool-2')
    call(5, 'Bash', 'tool-3', command='cargo llvm-cov --summary-only', description='Coverage')
    call(6, 'Read', 'tool-2', file_path='src/lines.rs')
    result(6, '\n'.join(f'{n}\tline' for n in range(1, 90)), 'tool-2')
    result(5, 'src/lines.rs  91.2 %\nsrc/flow.rs   64.0 %', 'tool-3')
    say(7, 'The pipe is read in `src/lines.rs`, by one task alone.', 'tool-2')
    result(2, 'The pipe is read in `src/lines.rs`, by one task alone.')
    call(8, 'Bash', 'tool-3', command='cargo test flow -- --nocapture', description='Run the tests of flow')


send({'type': 'ready', 'capabilities': ['interrupt', 'permission', 'multi_turn']})
for line in sys.stdin:
    message = json.loads(line)
    if message.get('type') == 'query':
        time.sleep(0.3)
        send({'type': 'agent_started', 'sessionId': message['sessionId']})
        play()
    elif message.get('type') in ('stop', 'interrupt'):
        send({'type': 'agent_stopped', 'sessionId': message['sessionId']})
        if message['type'] == 'stop':
            break
