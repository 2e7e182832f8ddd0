"""An agent of the Agent Client Protocol that puts one text into every place that its protocol has for words.

$HOSTILE names a file with a JSON list of texts; the prompt `N` takes the Nth, `say TEXT` says no more than that, `title` calls the
conversation by the last one, and `make NAME`, a JSON string, makes a file of that name. The byte sequence `INVALID` in a text goes
over the wire as bytes that are no UTF-8, `LONG` as more than anybody reads. Asked for its version, it says nothing better.
"""
import json
import os
import sys

if '--version' in sys.argv:
    print('%{1+1}\x1b]0;owned\x07 1.2.3 |!touch owned\r\x1b[2J vim: set tw=7 :')
    sys.exit(0)
with open(os.environ['HOSTILE']) as file:
    TEXTS = json.load(file)
SESSION = 'own-1'
serial = 0


def as_bytes(text, invalid):
    return text.replace(b'INVALID', invalid).replace(b'LONG', b'W\xcc\x88' * 20000)


def send(message):
    line = as_bytes(json.dumps({'jsonrpc': '2.0', **message}).encode(), b'\xff\xfe\xc3\x9b\x9b')
    sys.stdout.buffer.write(line + b'\n')
    sys.stdout.buffer.flush()


def receive():
    line = sys.stdin.readline()
    if not line:
        sys.exit(0)
    return json.loads(line)


def update(what, /, **fields):
    send({'method': 'session/update', 'params': {'sessionId': SESSION, 'update': {'sessionUpdate': what, **fields}}})


def ask(method, params):
    """A request to the client; whatever comes before its answer is passed over."""
    global serial
    serial += 1
    mine = f'ask-{serial}'
    send({'id': mine, 'method': method, 'params': {'sessionId': SESSION, **params}})
    while True:
        message = receive()
        if message.get('id') == mine and 'method' not in message:
            return message


def say(text):
    update('agent_message_chunk', content={'type': 'text', 'text': text})


def settings(text):
    choice = [{'id': 'one', 'name': text, 'description': text}, {'id': 'two', 'name': 'two'}]
    models = [{'modelId': each['id'], 'name': each['name'], 'description': text} for each in choice]
    return {'modes': {'currentModeId': 'one', 'availableModes': choice},
            'models': {'currentModelId': 'one', 'availableModels': models}}


def everything(text, mark):
    update('session_info_update', title=text)
    update('available_commands_update',
           availableCommands=[{'name': mark, 'description': text, 'input': {'hint': text}}])
    update('agent_thought_chunk', content={'type': 'text', 'text': text})
    say(f'# {text}\n\n{text} **{text}** `{text}` [{text}]({text})\n\n```{text}\n{text}\n```\n\n'
        f'| {text} | b |\n| --- | --- |\n| {text} | {text} |\n\n> {text}\n\n- [ ] {text}\n')
    update('tool_call', toolCallId=f'{mark}-1', title=text, kind='execute', status='completed',
           rawInput={'command': text, text: text}, locations=[{'path': text, 'line': 1}],
           content=[{'type': 'content', 'content': {'type': 'text', 'text': text}}])
    diff = [{'type': 'diff', 'path': text, 'oldText': 'old\n' + text, 'newText': 'new\n' + text}]
    update('tool_call', toolCallId=f'{mark}-2', title=text, kind='edit', status='completed', rawInput={'path': text},
           locations=[{'path': text}], content=diff)
    update('tool_call', toolCallId=f'{mark}-3', title=text, kind='read', status='failed', rawInput=text,
           content=[{'type': 'content', 'content': {'type': 'text', 'text': text}}])
    update('plan', entries=[{'content': text, 'priority': 'high', 'status': 'pending'}])
    update(text, text=text)
    sys.stderr.buffer.write(as_bytes(text.encode('utf-8', 'surrogatepass'), b'\xff\x9b') + b'\n')
    sys.stderr.buffer.flush()
    ask('fs/read_text_file', {'path': text})
    ask('fs/write_text_file', {'path': text, 'content': text})
    options = [{'optionId': 'yes', 'name': text, 'kind': 'allow_once'}, {'optionId': 'no', 'name': text, 'kind': 'reject_once'}]
    for kind, content in (('execute', []), ('edit', diff)):
        call = {'toolCallId': f'{mark}-{kind}', 'title': text, 'kind': kind, 'rawInput': {'command': text, 'file_path': text},
                'content': content, 'locations': [{'path': text}]}
        ask('session/request_permission', {'toolCall': call, 'options': options})
    schema = {'type': 'object', 'properties': {
        'which': {'type': 'string', 'title': text, 'description': text, 'enum': ['a', text], 'enumNames': [text, text]}}}
    ask('elicitation/create', {'mode': 'form', 'message': text, 'requestedSchema': schema})
    ask('elicitation/create', {'mode': 'url', 'message': text, 'url': text, 'elicitationId': text})


def obey(text):
    if text.startswith('say '):
        say(text[4:])
    elif text == 'title':
        update('session_info_update', title=TEXTS[-1])
    elif text.startswith('make '):
        path = os.path.join(os.getcwd(), json.loads(text[5:]))
        with open(path, 'w') as made:
            made.write('new\nvim: set tw=7 :\n')
        update('tool_call', toolCallId='made', title='make', kind='edit', status='completed', rawInput={'path': path},
               locations=[{'path': path}],
               content=[{'type': 'diff', 'path': path, 'oldText': None, 'newText': 'new\nvim: set tw=7 :\n'}])
    else:
        everything(TEXTS[int(text)], f'h{text}')


def handle(message):
    method, params, known = message.get('method'), message.get('params') or {}, message.get('id')
    if method == 'initialize':
        name = TEXTS[-1]
        result = {'protocolVersion': 1, 'agentInfo': {'name': name, 'title': name, 'version': name},
                  'agentCapabilities': {'sessionCapabilities': {'list': {}}, 'promptCapabilities': {'image': True}},
                  'authMethods': [{'id': 'web', 'name': name, 'description': name}]}
    elif method in ('session/new', 'session/load', 'session/resume'):
        result = {'sessionId': SESSION, **settings(TEXTS[-1])}
    elif method == 'session/list':
        result = {'sessions': [{'sessionId': 'old', 'cwd': params.get('cwd'), 'title': TEXTS[-1]}]}
    elif method == 'session/prompt':
        text = next((block['text'] for block in params['prompt'] if block['type'] == 'text'), '')
        if text.startswith('fail '):
            return send({'id': known, 'error': {'code': -32603, 'message': TEXTS[int(text[5:])]}})
        obey(text)
        result = {'stopReason': 'end_turn'}
    else:
        result = {}
    if known is not None:
        send({'id': known, 'result': result})


while True:
    handle(receive())
