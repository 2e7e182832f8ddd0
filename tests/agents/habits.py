"""A scripted agent of the Agent Client Protocol: does what its prompt says.

'read PATH', 'write PATH TEXT', 'page URL', 'login', 'look' (at images); any other prompt is said back. With the arguments
'auth login' it is its own login, which leaves a file 'logged-in' in $AGENT_STATE. Conversations are files there too.
"""

import json
import os
import sys

STATE = os.environ['AGENT_STATE']
LOGGED_IN = os.path.join(STATE, 'logged-in')
MODES = [{'id': 'ask', 'name': 'Ask', 'description': 'asks first'},
         {'id': 'plan', 'name': 'Plan', 'description': 'only reads'}]
values = {'model': 'big', 'effort': 'low'}
mode = 'ask'
asked = 0


def say(message):
    print(json.dumps({'jsonrpc': '2.0', **message}), flush=True)


def messages():
    for line in sys.stdin:
        yield json.loads(line)


STREAM = messages()


def ask(method, params):
    """A request of ours; what else comes meanwhile is answered."""
    global asked
    asked += 1
    say({'id': f'a{asked}', 'method': method, 'params': params})
    for message in STREAM:
        if message.get('id') == f'a{asked}' and 'method' not in message:
            return message
        handle(message)
    sys.exit(0)


def option(name, kind, ids):
    return {'id': name, 'name': name.title(), 'category': kind, 'type': 'select', 'currentValue': values[name],
            'options': [{'value': one, 'name': one.title()} for one in ids]}


def options():
    return [option('model', 'model', ['big', 'small']), option('effort', 'thought_level', ['low', 'high'])]


def opened(session):
    return {'sessionId': session, 'modes': {'currentModeId': mode, 'availableModes': MODES}, 'configOptions': options()}


def update(session, kind, **fields):
    say({'method': 'session/update', 'params': {'sessionId': session, 'update': {'sessionUpdate': kind, **fields}}})


def commands(session):
    names = {'review': 'looks at the changes', 'cost': 'its own figures'}
    update(session, 'available_commands_update',
           availableCommands=[{'name': name, 'description': text} for name, text in names.items()])


def outcome(answer, name):
    if 'error' in answer:
        return 'refused: ' + answer['error']['message']
    return f'{name}: ' + json.dumps(answer['result'])


def obey(session, blocks):
    text = '\n'.join(block['text'] for block in blocks if block['type'] == 'text')
    words = text.split(' ', 2)
    if words[0] == 'read':
        return outcome(ask('fs/read_text_file', {'sessionId': session, 'path': words[1]}), 'read')
    if words[0] == 'write':
        return outcome(ask('fs/write_text_file', {'sessionId': session, 'path': words[1], 'content': words[2]}), 'write')
    if words[0] == 'page':
        return outcome(ask('elicitation/create', {'sessionId': session, 'mode': 'url', 'message': 'Log in there.',
                                                  'url': words[1], 'elicitationId': 'e1'}), 'page')
    if words[0] == 'look':
        return 'saw ' + json.dumps([[b['mimeType'], b['data']] for b in blocks if b['type'] == 'image'])
    return 'heard ' + json.dumps(text)


def prompt(session, blocks):
    if any(block.get('text') == 'login' for block in blocks) and not os.path.exists(LOGGED_IN):
        return {'error': {'code': -32000, 'message': 'Authentication required'}}
    said = obey(session, blocks)
    update(session, 'agent_message_chunk', content={'type': 'text', 'text': said})
    update(session, 'usage_update', used=50000, size=200000)
    with open(os.path.join(STATE, session), 'a') as file:
        file.write(said + '\n')
    return {'result': {'stopReason': 'end_turn'}}


def answer(method, params):
    global mode
    session = params.get('sessionId')
    if method == 'initialize':
        return {'result': {
            'protocolVersion': 1,
            'agentCapabilities': {'loadSession': True, 'promptCapabilities': {'image': True},
                                  'sessionCapabilities': {'resume': {}, 'list': {}, 'fork': {}}},
            'authMethods': [{'id': 'terminal', 'name': 'Log in', 'description': 'in a terminal', 'type': 'terminal',
                             'args': ['auth', 'login']}]}}
    if method == 'session/new':
        session = f's{len(os.listdir(STATE)) + 1}'
        open(os.path.join(STATE, session), 'w').close()
        return {'result': opened(session)}
    if method in ('session/load', 'session/resume'):
        if not os.path.exists(os.path.join(STATE, session)):
            return {'error': {'code': -32002, 'message': 'no such session'}}
        return {'result': opened(session)}
    if method == 'session/fork':
        copy = f's{len(os.listdir(STATE)) + 1}'
        with open(os.path.join(STATE, session)) as old, open(os.path.join(STATE, copy), 'w') as new:
            new.write(old.read())
        return {'result': opened(copy)}
    if method == 'session/list':
        return {'result': {'sessions': [{'sessionId': name, 'cwd': params.get('cwd') or '/', 'title': 'of its own'}
                                        for name in sorted(os.listdir(STATE)) if name.startswith('s')]}}
    if method == 'session/set_mode':
        mode = params['modeId']
        return {'result': {}}
    if method == 'session/set_config_option':
        values[params['configId']] = params['value']
        return {'result': {'configOptions': options()}}
    if method == 'authenticate':
        return {'result': {}} if os.path.exists(LOGGED_IN) else {'error': {'code': -32000, 'message': 'not yet'}}
    if method == 'session/prompt':
        return prompt(session, params['prompt'])
    return {'error': {'code': -32601, 'message': f'no method {method}'}}


def handle(message):
    if 'method' in message and 'id' in message:
        result = answer(message['method'], message.get('params') or {})
        say({'id': message['id'], **result})
        if message['method'] in ('session/new', 'session/load', 'session/resume', 'session/fork') and 'result' in result:
            commands(result['result']['sessionId'])


if sys.argv[1:] == ['auth', 'login']:
    open(LOGGED_IN, 'w').close()
    print('logged in by', os.environ.get('USER_WORD', 'nobody'))
    sys.exit(0)
for incoming in STREAM:
    handle(incoming)
