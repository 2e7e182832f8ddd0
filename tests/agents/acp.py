"""An agent that speaks the Agent Client Protocol and obeys its prompts, one command a line.

  say TEXT            that text
  prompt              the prompt's blocks as JSON
  set                 its session, mode and model
  where               the directory it was opened in, and whether it was offered files
  read PATH [L [N]]   the file as the client gives it
  write PATH TEXT     writes it through the client
  hang                until it is cancelled
  run COMMAND         runs it by a shell, in a session of its own, to its end
  close               closes its output and lives on
  exit N

Arguments: `silent` never answers, `login` wants one, `gone` has lost all conversations.
"""
import json
import os
import signal
import subprocess
import sys

flags = set(sys.argv[1:])
state = {'session': None, 'mode': 'ask', 'model': 'small', 'made': 0, 'kept': ['old-1', 'old-2']}
serial = 0


def send(message):
    sys.stdout.write(json.dumps({'jsonrpc': '2.0', **message}) + '\n')
    sys.stdout.flush()


def receive():
    line = sys.stdin.readline()
    if not line:
        sys.exit(0)
    return json.loads(line)


def ask(method, params):
    """A request to the client; what else comes meanwhile is answered as usual."""
    global serial
    serial += 1
    mine = f'agent-{serial}'
    send({'id': mine, 'method': method, 'params': {'sessionId': state['session'], **params}})
    while True:
        message = receive()
        if message.get('id') == mine and 'method' not in message:
            return message
        if message.get('method') == 'session/cancel':
            state['cancelled'] = True
        elif 'method' in message:
            handle(message)


def update(kind, **fields):
    send({'method': 'session/update',
          'params': {'sessionId': state['session'], 'update': {'sessionUpdate': kind, **fields}}})


def say(text):
    update('agent_message_chunk', content={'type': 'text', 'text': text})


def settings():
    modes = [{'id': mode, 'name': mode.title()} for mode in ('ask', 'plan')]
    models = [{'modelId': model, 'name': model.title()} for model in ('small', 'big')]
    return {'modes': {'currentModeId': state['mode'], 'availableModes': modes},
            'models': {'currentModelId': state['model'], 'availableModels': models}}


def outcome(answer, words):
    return answer['error']['message'] if 'error' in answer else words(answer['result'])


def obey(blocks):
    text = next((block['text'] for block in blocks if block['type'] == 'text'), '')
    for line in text.split('\n'):
        word, _, rest = line.partition(' ')
        if word == 'say':
            say(rest)
        elif word == 'prompt':
            say(json.dumps(blocks))
        elif word == 'set':
            say(f"{state['session']} {state['mode']} {state['model']}")
        elif word == 'where':
            say(f"{state['cwd']} {state['files']}")
        elif word == 'read':
            path, *place = rest.split(' ')
            params = dict(zip(('line', 'limit'), map(int, place)))
            say(outcome(ask('fs/read_text_file', {'path': path, **params}), lambda result: result['content']))
        elif word == 'write':
            path, _, content = rest.partition(' ')
            say(outcome(ask('fs/write_text_file', {'path': path, 'content': content}), lambda _: 'written'))
        elif word == 'hang':
            while True:
                message = receive()
                if message.get('method') == 'session/cancel':
                    return 'cancelled'
                handle(message)
        elif word == 'run':
            done = subprocess.run(rest, shell=True, start_new_session=True, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            say(f'ended with {done.returncode}')
        elif word == 'close':
            os.close(1)
            while True:
                signal.pause()
        elif word == 'exit':
            os._exit(int(rest))
    return 'end_turn'


def handle(message):
    method, params, known = message.get('method'), message.get('params') or {}, message.get('id')
    result, error = {}, None
    if method == 'initialize':
        if 'silent' in flags:
            return
        state['files'] = params['clientCapabilities']['fs']['readTextFile']
        result = {'protocolVersion': 1, 'agentInfo': {'name': 'obedient', 'version': '1'},
                  'agentCapabilities': {'loadSession': True, 'promptCapabilities': {'image': True},
                                        'sessionCapabilities': {'list': {}, 'delete': {}, 'resume': {}}},
                  'authMethods': [{'id': 'web', 'name': 'In the browser'}] if 'login' in flags else []}
    elif method == 'authenticate':
        flags.discard('login')
    elif method in ('session/new', 'session/load', 'session/resume'):
        if 'login' in flags:
            error = {'code': -32000, 'message': 'Authentication required'}
        elif method != 'session/new' and 'gone' in flags:
            error = {'code': -32002, 'message': 'no such session'}
        else:
            state['made'] += 1
            state['cwd'] = params['cwd']
            state['session'] = params.get('sessionId') or f"own-{os.getpid()}-{state['made']}"
            result = {'sessionId': state['session'], **settings()}
    elif method in ('session/set_mode', 'session/set_model'):
        state[method[len('session/set_'):]] = params.get('modeId') or params.get('modelId')
    elif method == 'session/list':
        result = {'sessions': [{'sessionId': name, 'cwd': params.get('cwd'), 'title': f'Title of {name}'}
                               for name in state['kept']]}
    elif method == 'session/delete':
        state['kept'].remove(params['sessionId'])
    elif method == 'session/prompt':
        result = {'stopReason': obey(params['prompt'])}
    elif known is not None:
        error = {'code': -32601, 'message': f'unknown method {method}'}
    if known is not None:
        send({'id': known, 'error': error} if error else {'id': known, 'result': result})


while True:
    handle(receive())
