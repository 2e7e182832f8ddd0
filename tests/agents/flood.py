"""An agent that answers its first prompt with very much text, and notes what it has said.

  flood.py DIALECT BYTES TEXTS WRITE SEED NOTES

DIALECT is `acp`, `sidecar` or `claude`. BYTES of text come in TEXTS messages, in writes of WRITE bytes each, whatever is
cut by that. The text is made of pieces that SEED draws: words of many scripts, lines of one byte and of millions, CRLF,
Markdown, control characters, JSON escapes, and bytes that are no UTF-8. NOTES is a folder: `said` is the text as it has to
arrive, `ends` where in it each message ends, `done` is there when the turn's end was written.
"""
import json
import os
import random
import sys

DIALECT, BYTES, TEXTS, WRITE, SEED, NOTES = sys.argv[1], *map(int, sys.argv[2:6]), sys.argv[6]
HERE = '@@@'
# A whole message of Claude Code's repeats the text, and a line of more than 10 MiB would not be taken.
WHOLE = 9_000_000


def quoted(text):
    """As it stands in a JSON string, without the quotes."""
    return json.dumps(text, ensure_ascii=False)[1:-1].encode()


def pieces(draw):
    """What has to arrive, and what stands in the JSON string for it."""
    words = ('the agent reads a file und schreibt größere Wörter 日本語の文字列 한국어 текст 👩‍👩‍👧 naïve ﷽ e\u0301 '
             '**bold** `code` [link](http://x.invalid/a) _word_ \\ " / \t').split(' ')
    plain = [' '.join(draw.choices(words, k=draw.randint(1, 40))) + draw.choice(['\n', '\n', '\r\n', ' ', '\n\n'])
             for _ in range(200)]
    plain += ['a', '\n', '\r', '\r\n', ' ', '', '\u2028', '\ufeff', '\u202e', '\x00', '\x1b[31mred\x1b]8;;x\x07', '\x7f\x9b']
    plain += ['```rust\nfn main() { /* ' + '*' * n + ' */ }\n```\n' for n in (1, 100, 3000)]
    plain += ['| a | ü |\n|---|---|\n' + '| 1 | 日本 |\n' * n + '\n' for n in (1, 30)]
    plain += ['- item\n' * 50, '> quote\n' * 20, '# Title\n', '~~~\nopen fence\n', '1. one\n   - two\n\n     three\n']
    plain += ['long line ' * n + draw.choice(['', '\n']) for n in (100, 5_000, 60_000)]
    both = [(text, quoted(text)) for text in plain]
    # Escapes of every kind, and half a surrogate pair.
    both += [('é\n😀/', b'\\u00e9\\n\\ud83d\\ude00\\/'), ('half \ufffd pair', b'half \\ud83d pair')]
    # No UTF-8: a lone byte, characters that are cut off, one that is longer than it has to be.
    both += [('bad \ufffd\ufffd\n', b'bad \xff\xfe\\n'), ('cut \ufffd.', b'cut \xe2\x82.'), ('cut \ufffd.', b'cut \xf0\x9f\x98.'),
             ('over \ufffd\ufffd.', b'over \xc0\xaf.'), ('\ufffd\ufffd\ufffd', b'\xed\xa0\x80')]
    return [(text.encode(), wire) for text, wire in both]


def said(draw, size):
    """Pieces of about `size` bytes together; now and then a line that is far longer than others."""
    pool = pieces(draw)
    long = (b'x' * 1_000_000, 'ß€'.encode() * 150_000)
    left = size
    while left > 0:
        if left > 20_000_000 and draw.random() < 0.0005:
            # One line of up to 16 MiB.
            for _ in range(draw.randint(1, 17)):
                piece = draw.choice(long)
                left -= len(piece)
                yield piece, piece
            continue
        text, wire = draw.choice(pool)
        left -= len(text)
        if text:
            yield text, wire


def envelope(value, at=HERE):
    """What stands before and behind a text in a line."""
    line = json.dumps(value, separators=(',', ':'), ensure_ascii=False).encode()
    return line.split(at.encode())


class Acp:
    def greet(self):
        return None

    def receive(self, message):
        method, known = message.get('method'), message.get('id')
        self.asked = known
        if method == 'session/prompt':
            return True
        results = {'initialize': {'protocolVersion': 1}, 'session/new': {'sessionId': 's'}}
        if known is not None and method:
            say({'jsonrpc': '2.0', 'id': known, 'result': results.get(method, {})})
        return False

    def begin(self):
        return b''

    def message(self, number):
        update = {'sessionUpdate': 'agent_message_chunk', 'messageId': f'm{number}', 'content': {'type': 'text', 'text': HERE}}
        return b'', envelope({'jsonrpc': '2.0', 'method': 'session/update', 'params': {'sessionId': 's', 'update': update}}), None

    def end(self):
        return line({'jsonrpc': '2.0', 'id': self.asked, 'result': {'stopReason': 'end_turn'}})


class Claude:
    def wrap(self, value):
        return value

    def greet(self):
        return None

    def receive(self, message):
        if message['type'] == 'control_request':
            say({'type': 'control_response',
                 'response': {'subtype': 'success', 'request_id': message['request_id'], 'response': {}}})
        return message['type'] == 'user'

    def begin(self):
        return line(self.wrap({'type': 'system', 'subtype': 'init', 'session_id': 'c', 'cwd': os.getcwd(), 'model': 'm', 'tools': []}))

    def stream(self, event):
        return self.wrap({'type': 'stream_event', 'event': event, 'parent_tool_use_id': None, 'session_id': 'c'})

    def message(self, number):
        head = {'id': f'm{number}', 'type': 'message', 'role': 'assistant', 'model': 'm', 'content': []}
        opening = line(self.stream({'type': 'message_start', 'message': head}))
        opening += line(self.stream({'type': 'content_block_start', 'index': 0, 'content_block': {'type': 'text', 'text': ''}}))
        delta = {'type': 'content_block_delta', 'index': 0, 'delta': {'type': 'text_delta', 'text': HERE}}
        whole = self.wrap({'type': 'assistant', 'message': {**head, 'content': [{'type': 'text', 'text': HERE}]},
                           'parent_tool_use_id': None, 'session_id': 'c'})
        return opening, envelope(self.stream(delta)), envelope(whole)

    def end(self):
        return line(self.wrap({'type': 'result', 'subtype': 'success', 'is_error': False, 'num_turns': 1, 'session_id': 'c'}))


class Sidecar(Claude):
    session = ''

    def wrap(self, value):
        return {'type': 'agent_event', 'sessionId': self.session, 'event': value}

    def greet(self):
        return {'type': 'ready', 'capabilities': ['delta', 'multi_turn']}

    def receive(self, message):
        if message['type'] == 'ping':
            say({'type': 'pong'})
        if message['type'] == 'stop':
            sys.exit(0)
        self.session = message.get('sessionId', self.session)
        return message['type'] == 'query'

    def begin(self):
        return line({'type': 'agent_started', 'sessionId': self.session}) + super().begin()

    def end(self):
        return super().end() + line({'type': 'agent_stopped', 'sessionId': self.session})


def line(value):
    return (json.dumps(value, separators=(',', ':')) + '\n').encode()


def say(value):
    os.write(1, line(value))


class Pipe:
    """Writes of exactly so many bytes, wherever that cuts."""

    def __init__(self):
        self.held = bytearray()

    def put(self, *parts, last=False):
        for part in parts:
            self.held += part
        at = 0
        if len(self.held) >= WRITE or last:
            whole = bytes(self.held)
            while len(whole) - at >= WRITE or last and at < len(whole):
                at += os.write(1, whole[at:at + WRITE])
            self.held = bytearray(whole[at:])


def flood(dialect):
    draw = random.Random(SEED)
    pipe = Pipe()
    with open(NOTES + '/said', 'wb', buffering=1 << 20) as text_file, open(NOTES + '/ends', 'w') as ends:
        pipe.put(dialect.begin())
        total = 0
        for number in range(TEXTS):
            opening, (before, behind), whole = dialect.message(number)
            pipe.put(opening)
            parts, held = [], 0
            words = said(draw, BYTES // TEXTS)
            for text, wire in words:
                # Runners end their lines as they like.
                pipe.put(before, wire, behind, b'\r\n' if len(wire) % 7 == 0 else b'\n')
                text_file.write(text)
                total += len(text)
                held += len(wire)
                if whole and held < WHOLE:
                    parts.append(wire)
            last = b'the last words of %d' % number
            pipe.put(before, b'\\n', last, behind, b'\n')
            text_file.write(b'\n' + last)
            total += 1 + len(last)
            print(total, file=ends)
            if whole and held + len(last) < WHOLE:
                pipe.put(whole[0], *parts, b'\\n', last, whole[1], b'\n')
        pipe.put(dialect.end(), last=True)
    open(NOTES + '/done', 'w').close()


def main():
    dialect = {'acp': Acp, 'claude': Claude, 'sidecar': Sidecar}[DIALECT]()
    if greeting := dialect.greet():
        say(greeting)
    for text in sys.stdin:
        if dialect.receive(json.loads(text)):
            flood(dialect)


main()
