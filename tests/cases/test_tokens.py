# SPDX-License-Identifier: Apache-2.0
"""Tokens: how they come in, what opens the vault, which one is used, and what a damaged vault does."""
import json
import os
import pty
import random
import select
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from harness import MUNIMENT, ORG, TOKEN, Sandbox, main

OTHER_ORG = '0' * 31 + '1'
NOWHERE = 'http://127.0.0.1:9'  # nobody listens there
JWT = 'eyJhbGciOiJub25lIn0.eyJleHAiOjQxMDI0NDQ4MDB9.c2lnbmF0dXJlLW9mLWEtdGVzdA'  # expires 2100
EXPIRED = 'eyJhbGciOiJub25lIn0.eyJleHAiOjE3MDAwMDAwMDB9.c2lnbmF0dXJlLW9mLWEtdGVzdA'  # 2023


class Box:
    """A HOME of its own, with a key file; sandbox=(…): a server with these options."""

    def __init__(self, sandbox=None):
        self.folder = tempfile.mkdtemp(prefix='muniment-case-')
        self.env = {'PATH': os.environ.get('PATH', ''), 'HOME': self.folder, 'LC_ALL': 'C.UTF-8'}
        for name in ('ASAN_OPTIONS', 'UBSAN_OPTIONS', 'LD_LIBRARY_PATH'):
            if name in os.environ:
                self.env[name] = os.environ[name]
        self.data = os.path.join(self.folder, '.local/share/muniment')
        self.vault_file = os.path.join(self.data, 'vault/data.mdb')
        self.key = self.write('key', os.urandom(48))
        self.sandbox = None if sandbox is None else Sandbox(self.folder, *sandbox)
        self.url = self.sandbox.url if self.sandbox else NOWHERE

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.sandbox:
            self.sandbox.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def write(self, name, data, mode=0o600):
        path = os.path.join(self.folder, name)
        with open(path, 'wb') as file:
            file.write(data.encode() if isinstance(data, str) else data)
        os.chmod(path, mode)
        return path

    def call(self, *args, stdin='', env=None, **options):
        """No terminal: a session of its own."""
        done = subprocess.run([MUNIMENT, *args], input=stdin.encode(), capture_output=True,
                              env={**self.env, **(env or {})}, timeout=60, check=False,
                              start_new_session=True, **options)
        return (done.returncode, done.stdout.decode('utf-8', 'replace'),
                done.stderr.decode('utf-8', 'replace'))

    def expect(self, status, *args, says=(), **options):
        got, out, err = self.call(*args, **options)
        assert got == status, '%s: exit %d, not %d: %s' % (' '.join(args), got, status, err)
        for word in (says,) if isinstance(says, str) else says:
            assert word in out + err, '%s: no "%s" in: %s' % (' '.join(args), word, out + err)
        for secret in (TOKEN, JWT, EXPIRED):
            assert secret not in out + err, 'the token is printed by ' + ' '.join(args)
        return out

    def add(self, *more, name='acme', token=TOKEN, status=0, says=(), org=ORG, url=None, env=None,
            key=True):
        opens = ('--key-file', self.key) if key else ()
        where = (*(('--org', org) if org else ()), '--base-url', url or self.url)
        return self.expect(status, 'token', 'add', name, *where, *opens, *more, stdin=token,
                           says=says, env=env)

    def test(self, status=0, *more, says=(), env=None):
        return self.expect(status, 'token', 'test', 'acme', '--key-file', self.key, *more,
                           says=says, env=env)

    def list(self, *more):
        return json.loads(self.expect(0, 'token', 'list', '-o', 'json', *more))

    def kinds(self):
        lines = self.expect(0, 'log', '-o', 'jsonl').splitlines()
        return [entry for entry in map(json.loads, lines) if entry['kind'].startswith('token.')]


class Answers:
    """A server that answers every GET with what pages say of its path: (status, document)."""

    def __init__(self, pages):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                status, document = pages.get(self.path.split('?')[0], (404, {}))
                body = document if isinstance(document, bytes) else json.dumps(document).encode()
                self.send_response(status)
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.url = 'http://127.0.0.1:%d' % self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class Terminal:
    """The program with a terminal as its standard streams."""

    def __init__(self, box, *args):
        self.child, self.fd = pty.fork()
        if self.child == 0:
            os.execve(MUNIMENT, [MUNIMENT, *args], box.env)
        self.seen = b''

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)

    def until(self, text):
        end = time.monotonic() + 20
        at = len(self.seen)
        while text.encode() not in self.seen[at:]:
            assert time.monotonic() < end, 'no "%s": %r' % (text, self.seen)
            if not select.select([self.fd], [], [], 0.2)[0]:
                continue
            try:
                self.seen += os.read(self.fd, 4096)
            except OSError as error:
                raise AssertionError('it ended before "%s": %r' % (text, self.seen)) from error
        time.sleep(0.05)

    def answer(self, question, text):
        self.until(question)
        os.write(self.fd, text.encode() + b'\n')

    def end(self):
        while True:
            try:
                part = os.read(self.fd, 4096)
            except OSError:
                part = b''
            if not part:
                break
            self.seen += part
        return os.waitstatus_to_exitcode(os.waitpid(self.child, 0)[1])


def ways_in():
    """A file, a descriptor, stdin: one final newline is no part of it."""
    with Box(()) as box:
        for newline in ('', '\n'):
            file = box.write('token', TOKEN + newline)
            box.add('--replace', token=TOKEN + newline)
            box.test()
            box.add('--replace', '--token-file', file, token='')
            box.test()
            with open(file, 'rb') as opened:
                where = ('--token-fd', str(opened.fileno()))
                got, _, err = box.call('token', 'add', 'acme', '--replace', '--key-file', box.key,
                                       *where, pass_fds=[opened.fileno()])
            assert got == 0, err
            box.test()
        pipe = os.path.join(box.folder, 'pipe')
        os.mkfifo(pipe)
        writer = subprocess.Popen(['sh', '-c', 'printf %s "$1" >"$2"', 'sh', TOKEN, pipe])
        box.add('--replace', '--token-file', pipe, token='')
        assert writer.wait() == 0
        box.test()
        box.add('--replace', '--token-fd', '77', status=3)
        box.add('--replace', '--token-fd', 'x1', status=2)
        box.add('--replace', '--token-file', box.folder, status=3)
        box.add('--replace', '--token-file', file, '--token-fd', '0', status=2)
        box.test()


def typed():
    """A terminal shows neither token nor passphrase; a new vault asks for one twice."""
    with Box(()) as box:
        add = ('token', 'add', 'acme', '--org', ORG, '--base-url', box.url)
        with Terminal(box, *add) as terminal:
            terminal.answer('Token', TOKEN)
            terminal.answer('passphrase', 'one phrase')
            terminal.answer('again', 'another phrase')
            assert terminal.end() == 2, terminal.seen
            assert b'differ' in terminal.seen
        assert box.list() == []
        with Terminal(box, *add) as terminal:
            terminal.answer('Token', TOKEN)
            terminal.answer('passphrase', 'one phrase')
            terminal.answer('again', 'one phrase')
            assert terminal.end() == 0, terminal.seen
            assert TOKEN.encode() not in terminal.seen and b'phrase\r\n' not in terminal.seen
        with Terminal(box, 'token', 'test', 'acme') as terminal:
            terminal.answer('Passphrase', 'one phrase')
            assert terminal.end() == 0, terminal.seen
        with Terminal(box, 'token', 'rekey') as terminal:
            terminal.answer('Passphrase', 'one phrase')
            terminal.answer('New passphrase', 'a third')
            terminal.answer('again', 'a third')
            assert terminal.end() == 0, terminal.seen
        with Terminal(box, 'token', 'test', 'acme') as terminal:
            terminal.answer('Passphrase', 'one phrase')
            assert terminal.end() == 3, terminal.seen
            assert b'wrong passphrase' in terminal.seen
        third = box.write('third', 'a third\n')
        box.expect(0, 'token', 'test', 'acme', env={'MUNIMENT_PASSPHRASE_FILE': third})


def too_long():
    """A terminal cuts a long line: it is refused, never stored cut."""
    with Box() as box, Terminal(box, 'token', 'add', 'acme', '--org', ORG, '--base-url',
                                NOWHERE) as terminal:
        terminal.answer('Token', 'x' * 5000)
        assert terminal.end() == 2, terminal.seen
        assert b'a file takes more' in terminal.seen and box.list() == []


def interrupted():
    """Ctrl-C at each hidden question: the echo is back, nothing is stored."""
    with Box() as box:
        add = ('token', 'add', 'acme', '--org', ORG, '--base-url', NOWHERE)
        for questions in (('Token',), ('Token', 'passphrase'), ('Token', 'passphrase', 'again')):
            with Terminal(box, *add) as terminal:
                for question in questions[:-1]:
                    terminal.answer(question, 'hush-hush')
                terminal.until(questions[-1])
                os.write(terminal.fd, b'\x03')
                status = terminal.end()
                echo = subprocess.run(['stty', '-a'], stdin=terminal.fd, capture_output=True,
                                      text=True, check=True).stdout if status else ''
            assert status == -signal.SIGINT, terminal.seen
            assert ' echo ' in echo, echo
            assert box.list() == []


def no_header_value():
    bad = ((TOKEN + '\r\n', len(TOKEN) + 1), (TOKEN + ' x', len(TOKEN) + 1), ('\0' + TOKEN, 1),
           (TOKEN + '\n\n', len(TOKEN) + 1), ('x\r\nHost: evil', 2))
    with Box() as box:
        for text, position in bad:
            says = 'byte %d of the token' % position
            file = box.write('token', text)
            box.add(token=text, status=3, says=says)
            box.add('--token-file', file, status=3, says=says)
            box.expect(3, 'token', 'test', '--org', ORG, '--base-url', NOWHERE, '--token-file',
                       file, says=says)
            if '\0' not in text:
                box.expect(3, 'token', 'test', '--org', ORG, '--base-url', NOWHERE, says=says,
                           env={'TALLYFY_API_TOKEN': text})
        box.add(token='', status=3, says='empty')
        box.add(token='x' * 20000, status=3, says='16385 bytes')
        assert box.list() == []


def organization():
    """Without --org: the only one of the token; several, none, half a list, offline: 2."""
    acme, other = {'id': ORG, 'name': 'Acme\x1b[2J'}, {'id': OTHER_ORG, 'name': 'Other'}
    page = {'pagination': {'total': 9, 'count': 1, 'per_page': 1, 'current_page': 1,
                           'total_pages': 9}}
    with Box() as box, Answers({'/me/organizations': (200, {'data': [acme]})}) as server:
        box.add(org=None, url=server.url)
        assert box.list()[0]['org'] == ORG
    with Box(()) as box:
        box.add(org=None, name='dead', token='not-the-token', status=3, says='401')
        box.add(org=ORG, name='dead', token='not-the-token', says=('warning', '401'))
    for answer, says in (((200, {'data': [acme, other]}), (ORG, OTHER_ORG, 'Other')),
                         ((200, {'data': []}), '--org'),
                         ((200, {'data': [acme], 'meta': page}), ORG),
                         ((200, {'data': 'no list'}), '--org'),
                         ((200, b'<html>'), '--org'),
                         ((500, {}), '500')):
        with Box() as box, Answers({'/me/organizations': answer}) as server:
            got, _, err = box.call('token', 'add', 'acme', '--base-url', server.url, '--key-file',
                                   box.key, stdin=TOKEN)
            assert got == 2, (answer, got, err)
            for word in (says,) if isinstance(says, str) else says:
                assert word in err, err
            assert '\x1b' not in err, 'a name of the server reaches the terminal as it is'
            assert box.list() == []
    with Box() as box:
        box.add(org=None, status=2, says='--org')
        box.add(says='was not tried')


def renewed():
    """--replace keeps what it is not told; without it nothing is read or asked."""
    with Box(()) as box:
        box.add(token='an-older-token')
        box.test(3)
        box.add(status=2, says='--replace')
        box.expect(0, 'token', 'add', 'acme', '--replace', '--key-file', box.key, stdin=TOKEN)
        box.test()
        row = box.list()[0]
        assert (row['org'], row['base_url']) == (ORG, box.url), row
        assert [entry['kind'] for entry in box.kinds()] == ['token.added'] * 2
        prints = [entry['token'] for entry in box.kinds()]
        assert prints[0] != prints[1] and all(prints), prints


def names():
    likely = (JWT, 'Bearer', 'bearer abc', '5|kZ0aabbccdd', ORG, 'x' * 33, 'q8ZfT3kLm0PzXc5VbN7y')
    with Box() as box:
        for name in ('', 'Acme', '-x', '.x', 'a b', 'a/b', 'ä'):
            box.add(name=name, status=2)
        for name in likely:
            for args in (('token', 'add', name), ('token', 'remove', name), ('token', 'test', name),
                         ('token', 'test', '--as', name), ('doctor', '--as', name),
                         ('plan', ORG, '--reason', 'a good reason', '--as', name)):
                got, out, err = box.call(*args, stdin=TOKEN)
                if args[0] == 'doctor':
                    assert got == 2, (args, got, err)
                else:
                    assert got == 2 and 'revoke' in err, (args, got, err)
                assert name not in out + err, args
        for option in ('--org', '--base-url', '--token-file', '--token-fd', '--key-file',
                       '--timeout', '--token', '--new-key-file'):
            for args in ((option, JWT), (option + '=' + JWT,)):
                got, out, err = box.call('token', 'test', *args)
                assert got in (2, 3) and JWT not in out + err, (args, got, err)
        box.add('--token-file', JWT, status=2, says='revoke')
        box.add('--key-file', JWT, key=False, status=2, says='revoke')
        assert box.list() == []
        box.add(name='0.x_y-z')
        for name in ('a' * 32, 'a' * 31 + 'z', 'feed-cafe' * 3):
            box.add(name=name)
        assert [row['name'] for row in box.list()] == ['0.x_y-z', 'a' * 32, 'a' * 31 + 'z',
                                                       'feed-cafe' * 3]


def keys():
    """What opens the vault, and what is refused."""
    with Box() as box:
        phrase = box.write('muniment-passphrase', 'correct horse\n')
        wrong = box.write('wrong', 'battery staple\n')
        by_file, by_systemd = {'MUNIMENT_PASSPHRASE_FILE': phrase}, {
            'CREDENTIALS_DIRECTORY': box.folder}
        box.add(key=False, env=by_file)
        opened = ('token', 'test', 'acme')
        box.expect(14, *opened, env=by_file)
        box.expect(14, *opened, env=by_systemd)
        box.expect(14, *opened, env={'CREDENTIALS_DIRECTORY': '/', **by_file})
        box.expect(3, *opened, env={**by_systemd, 'MUNIMENT_PASSPHRASE_FILE': wrong},
                   says='wrong passphrase')
        box.expect(3, *opened, env={'MUNIMENT_PASSPHRASE_FILE': '/nonexistent'})
        box.expect(3, *opened, '--key-file', box.key, says='opened by a passphrase')
        os.chmod(phrase, 0o644)
        box.expect(14, *opened, env=by_file, says='can be read by others')
        box.expect(0, 'token', 'rekey', '--new-key-file', box.key, env=by_file)
        box.expect(3, *opened, env=by_file, says='key file')
        box.test(14)
        box.test(14, env={'MUNIMENT_PASSPHRASE_FILE': '/nonexistent'})
        box.expect(14, *opened, env={'MUNIMENT_KEY_FILE': box.key})
        other = box.write('other', os.urandom(48))
        box.expect(3, *opened, '--key-file', other, says='wrong key file')
        refused_keys(box, opened)
        box.expect(2, 'token', 'rekey', '--key-file', box.key, '--new-key-file', other,
                   '--new-passphrase-file', phrase)
        box.expect(3, 'token', 'rekey', '--key-file', box.key, says='--new-passphrase-file')
        box.expect(3, 'token', 'rekey', '--key-file', box.key, '--new-key-file',
                   box.write('short', 'x'))
        box.test(14)
        box.expect(0, 'token', 'rekey', '--key-file', box.key, '--new-passphrase-file', wrong)
        box.expect(14, *opened, env={'MUNIMENT_PASSPHRASE_FILE': wrong})
        assert [entry['kind'] for entry in box.kinds()] == ['token.added', 'token.rekeyed',
                                                            'token.rekeyed']


def refused_keys(box, opened):
    os.symlink(box.key, os.path.join(box.folder, 'link'))
    os.mkfifo(os.path.join(box.folder, 'fifo'), 0o600)
    for name in ('link', 'fifo', '.', 'nothing'):
        box.expect(3, *opened, '--key-file', os.path.join(box.folder, name))
    for mode in (0o640, 0o604, 0o620):
        os.chmod(box.key, mode)
        box.expect(3, *opened, '--key-file', box.key, says='0600')
    os.chmod(box.key, 0o600)
    if os.geteuid() == 0:
        os.chown(box.key, 65534, 65534)
        box.expect(3, *opened, '--key-file', box.key, says='another user')
        os.chown(box.key, 0, 0)


def batch_locks(box):
    journal = os.listdir(os.path.join(box.data, 'journal'))
    return [name for name in journal if name.startswith('batch-')]


def locked():
    """No terminal and no key source: exit 3 at once, nothing is taken or sent."""
    with Box(()) as box:
        box.add()
        box.add(name='second', key=False, status=3, says=('key file', '--key-file'))
        phrase = box.write('phrase', 'correct horse')
        box.expect(0, 'token', 'rekey', '--key-file', box.key, '--new-passphrase-file', phrase)
        plan = box.expect(0, 'plan', '-q', '--as', 'acme', '--from', box.sandbox.ids_file,
                          '--reason', 'a case of the tests').strip()
        before = len(box.sandbox.requests())
        ways = ('--token-fd', 'MUNIMENT_PASSPHRASE_FILE', '--key-file', 'CREDENTIALS_DIRECTORY')
        for args in (('run', plan), ('token', 'test', 'acme'), ('token', 'test'), ('doctor',),
                     ('token', 'rekey', '--new-key-file', box.key),
                     ('token', 'add', 'third', '--org', ORG, '--base-url', box.url)):
            began = time.monotonic()
            box.expect(3, *args, stdin=TOKEN, says=ways)
            assert time.monotonic() - began < 2, 'it waits: ' + ' '.join(args)
        assert len(box.sandbox.requests()) == before, 'something was sent'
        assert not batch_locks(box), 'a batch was taken'
        assert len(box.list()) == 1
        with Box() as empty:
            empty.add(key=False, status=3, says=ways)
            assert not os.path.exists(empty.data), 'something was made'
        box.expect(0, 'run', plan, env={'MUNIMENT_PASSPHRASE_FILE': phrase})
        assert len(batch_locks(box)) == 1, 'lock files have another name'


def listed():
    with Box() as box:
        box.add(token=JWT)
        box.add(name='old', token=EXPIRED, says='expired')
        box.add(name='plain')
        rows = {row['name']: row for row in box.list()}
        assert list(rows['acme'])[:5] == ['name', 'org', 'base_url', 'kind', 'expires']
        assert rows['acme']['kind'] == 'jwt' and rows['acme']['expires'].startswith('2100-01-01')
        assert rows['old']['expires'].startswith('2023-11-14')
        assert rows['plain']['kind'] == 'opaque' and rows['plain']['expires'] is None
        assert len({row['fingerprint'] for row in rows.values()}) == 3
        assert all(len(row['fingerprint']) == 32 for row in rows.values())
        table = box.expect(0, 'token', 'list')
        for row in rows.values():
            for cell in (row['name'], row['org'], row['base_url'], row['fingerprint'], row['kind']):
                assert cell in table, table
        box.expect(3, 'token', 'test', 'old', '--key-file', box.key, says=('expired', '--replace'))
        box.expect(0, 'token', 'remove', 'old')
        box.expect(5, 'token', 'remove', 'old')
        assert [row['name'] for row in box.list()] == ['acme', 'plain']
        assert [entry['kind'] for entry in box.kinds()] == ['token.added'] * 3 + ['token.removed']


def tested():
    """token test asks GET /me and GET runs?per_page=1 and says what the identity may do."""
    for options, status, says in (((), 0, 'archive and restore'),
                                  (('--role', 'Light'), 0, 'may not archive'),
                                  (('--fault', '401@all,on=any'), 3, '401'),
                                  (('--fault', '403@all,on=list'), 3, 'may not list'),
                                  (('--fault', '404-resource@all,on=list'), 14, 'may not list')):
        with Box(options) as box:
            box.add()
            before = len(box.sandbox.requests())
            box.test(status, says=says)
            asked = [request['path'] for request in box.sandbox.requests()[before:]]
            assert asked[0] == '/me', asked
            if status != 3 or 'list' in str(options):
                assert '/organizations/%s/runs' % ORG in asked, asked
                answer = box.call('token', 'test', 'acme', '--key-file', box.key, '-o', 'json')[1]
                assert says in json.loads(answer)['may'], answer
            assert not box.sandbox.mutations()


def order():
    """Options, TALLYFY_API_TOKEN, the only stored token that fits, else 3."""
    with Box(()) as box:
        good, bad = box.write('good', TOKEN), box.write('bad', 'another-token')
        where = ('--org', ORG, '--base-url', box.url)
        test = ('token', 'test')
        variable = {'TALLYFY_API_TOKEN': TOKEN}
        box.expect(3, *test, *where, says=('--as', '--token-file', '--token-fd',
                                           'TALLYFY_API_TOKEN', 'token add'))
        box.expect(0, *test, *where, env=variable)
        box.expect(0, *test, '--org', ORG, env={**variable, 'TALLYFY_BASE_URL': box.url})
        box.expect(0, *test, env={'MUNIMENT_ORG': ORG, 'MUNIMENT_BASE_URL': box.url,
                                  'TALLYFY_BASE_URL': NOWHERE, **variable})
        box.expect(2, *test, '--base-url', box.url, env=variable, says='--org')
        box.expect(3, *test, *where, '--token-file', bad, env=variable)
        box.expect(0, *test, *where, '--token-file', good, env={'TALLYFY_API_TOKEN': 'another'})
        box.expect(0, *test, *where, env={'TALLYFY_API_TOKEN': 'another',
                                          'MUNIMENT_TOKEN_FILE': good})
        box.expect(0, *test, *where, '--token-file', good, env={'MUNIMENT_TOKEN_FILE': bad})
        box.expect(0, *test, *where, '--token-file', good, env={'MUNIMENT_AS': 'acme'})
        box.expect(2, *test, *where, '--token-file', good, '--as', 'acme', says='exclude')
        os.chmod(good, 0o644)
        box.expect(0, *test, *where, '--token-file', good, says='can be read by others')
        stored(box, test, variable)


def stored(box, test, variable):
    opens = ('--key-file', box.key)
    box.add()
    box.add(name='elsewhere', org=OTHER_ORG, token='another-token')
    box.expect(0, *test, '--org', ORG, *opens)
    box.expect(3, *test, *opens, says='several stored tokens fit')
    box.expect(3, *test, '--org', '2' * 32, *opens, says='no stored one fits')
    box.expect(0, *test, '--as', 'acme', *opens, env={'TALLYFY_API_TOKEN': 'another'})
    box.expect(0, *test, *opens, env={**variable, 'MUNIMENT_AS': 'acme'})
    box.expect(3, *test, '--as', 'elsewhere', *opens, env=variable)
    box.expect(3, *test, '--as', 'nobody', *opens, says='no stored token nobody')
    for more in (('--org', OTHER_ORG), ('--base-url', 'https://staging.example')):
        box.expect(3, *test, '--as', 'acme', *more, *opens, says='belongs to')
        box.expect(3, 'plan', '--from', box.sandbox.ids_file, '--reason', 'a good reason', '--as',
                   'acme', *more, says='belongs to')
    plan = json.loads(box.expect(0, 'plan', '-o', 'json', '--from', box.sandbox.ids_file,
                                 '--reason', 'a good reason', '--as', 'acme'))
    assert (plan['org'], plan['base_url']) == (ORG, box.url), plan
    box.expect(0, 'run', plan['plan'], *opens)


def environment():
    """Each option of these commands as MUNIMENT_<OPTION>; the command line beats it."""
    with Box(()) as box:
        token, other = box.write('file', TOKEN), box.write('other', os.urandom(48))
        env = {'MUNIMENT_VAULT': os.path.join(box.folder, 'here'), 'MUNIMENT_KEY_FILE': box.key,
               'MUNIMENT_ORG': ORG, 'MUNIMENT_BASE_URL': box.url, 'MUNIMENT_TOKEN_FILE': token}
        box.expect(0, 'token', 'add', 'acme', env=env)
        assert os.listdir(env['MUNIMENT_VAULT']) and not os.path.exists(box.vault_file)
        box.expect(2, 'token', 'add', 'acme', env=env, says='already')
        box.expect(0, 'token', 'add', 'acme', env={**env, 'MUNIMENT_REPLACE': 'yes'})
        box.expect(2, 'token', 'add', 'acme', env={**env, 'MUNIMENT_REPLACE': 'perhaps'})
        del env['MUNIMENT_TOKEN_FILE']
        test = ('token', 'test')
        box.expect(0, *test, env=env)
        box.expect(0, *test, stdin=TOKEN, env={**env, 'MUNIMENT_TOKEN_FD': '0'})
        box.expect(2, *test, env={**env, 'MUNIMENT_TIMEOUT': 'soon'}, says='--timeout')
        box.expect(2, *test, env={**env, 'MUNIMENT_CACERT': '/nonexistent'}, says='CA file')
        box.expect(0, *test, '--vault', env['MUNIMENT_VAULT'], '--key-file', box.key, env={
            **env, 'MUNIMENT_VAULT': '/nonexistent', 'MUNIMENT_KEY_FILE': '/nonexistent'})
        box.expect(0, 'token', 'rekey', env={**env, 'MUNIMENT_NEW_KEY_FILE': other})
        box.expect(3, *test, env=env, says='wrong key file')
        box.expect(0, *test, env={**env, 'MUNIMENT_KEY_FILE': other})
        box.expect(3, 'token', 'rekey', '--key-file', other,
                   env={**env, 'MUNIMENT_NEW_PASSPHRASE_FILE': '/nonexistent'})
        box.expect(0, 'token', 'list', env={**env, 'MUNIMENT_OUTPUT': 'csv'}, says='name,org,')


def damaged():
    """Changed bytes of the vault: said so, the file is left alone, nothing crashes or is sent."""
    with Box() as box:
        box.add()
        with open(box.vault_file, 'rb') as file:
            whole = file.read()
        places = [at for at, byte in enumerate(whole) if byte]
        seen = set()
        for at in places[::5]:
            changed = bytearray(whole)
            changed[at] ^= 0xff
            with open(box.vault_file, 'wb') as file:
                file.write(changed)
            status, _, err = box.call('token', 'test', 'acme', '--key-file', box.key)
            # 14: the byte does not matter, so that the token opens and nobody listens.
            assert status in (3, 14), 'byte %d: exit %d: %s' % (at, status, err)
            assert 'wrong key' not in err, 'byte %d: %s' % (at, err)
            with open(box.vault_file, 'rb') as file:
                assert file.read() == changed, 'byte %d: the file was written' % at
            seen.add(status)
        assert seen == {3, 14}, seen
        for size in (0, 1, 4096, 8192, 12288, 20000):
            with open(box.vault_file, 'wb') as file:
                file.write(whole[:size])
            status, _, err = box.call('token', 'test', 'acme', '--key-file', box.key)
            assert status == 3, 'cut to %d: exit %d: %s' % (size, status, err)
        with open(box.vault_file, 'wb') as file:
            file.write(whole)
        box.test(14)


def elsewhere():
    """The record of a token, edited to name another host or organization."""
    with Box() as box:
        box.add(url='https://api.tallyfy.com')
        with open(box.vault_file, 'rb') as file:
            whole = file.read()
        for old, new in ((b'api.tallyfy.com', b'api.tallyfy.net'), (ORG.encode(), b'1' * 32)):
            assert old in whole
            with open(box.vault_file, 'wb') as file:
                file.write(whole.replace(old, new))
            box.test(3, says='the sealed token "acme" is damaged')


def nobody_waits():
    """A parent that ignores the end of its children hands that on."""
    with Box() as box:
        box.add()
        got, _, err = box.call('token', 'test', 'acme', '--key-file', box.key,
                               preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
        assert got == 14, err


def wide_open():
    with Box() as box:
        box.add()
        vault = os.path.dirname(box.vault_file)
        for path, mode in ((vault, 0o750), (vault, 0o701), (box.vault_file, 0o640)):
            before = os.stat(path).st_mode & 0o777
            os.chmod(path, mode)
            box.test(3, says='open to other users')
            assert os.stat(path).st_mode & 0o777 == mode, 'the mode was changed'
            os.chmod(path, before)
        if os.geteuid() == 0:
            os.chown(vault, 65534, 65534)
            box.test(3, says='another user')
            os.chown(vault, 0, 0)
        box.test(14)
    with Box() as box:
        if os.geteuid() == 0:  # as sudo does it: root in the home of somebody else
            home = os.path.join(box.folder, 'home')
            os.mkdir(home)
            os.chown(home, 65534, 65534)
            box.add(status=3, says='is not created', env={'HOME': home})
            assert os.listdir(home) == []


def killed():
    """kill -9 at any moment of add and rekey: the old state or the new one."""
    with Box() as box:
        other = box.write('other', os.urandom(48))
        rng = random.Random(7)
        hits = 0
        box.add(name='first')
        for turn in range(12):
            add = ('token', 'add', 'n%d' % turn, '--org', ORG, '--base-url', NOWHERE, '--key-file',
                   box.key)
            rekey = ('token', 'rekey', '--key-file', box.key, '--new-key-file', other)
            process = subprocess.Popen([MUNIMENT, *(rekey if turn % 2 else add)], env=box.env,
                                       stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, start_new_session=True)
            process.stdin.write(TOKEN.encode())
            process.stdin.close()
            time.sleep(rng.uniform(0.002, 0.06))
            process.kill()
            hits += process.wait() == -signal.SIGKILL
            opened = [key for key in (box.key, other)
                      if box.call('token', 'test', 'first', '--key-file', key)[0] == 14]
            assert len(opened) == 1, 'the vault is opened by %d keys' % len(opened)
            if opened[0] == other:
                box.key, other = other, box.key
            for row in box.list():
                box.expect(14, 'token', 'test', row['name'], '--key-file', box.key)
        assert hits > 2, 'only %d were hit' % hits


def race():
    """Two who add at once: both are stored, or one is told why not."""
    with Box() as box:
        box.add(name='first')
        running = [subprocess.Popen([MUNIMENT, 'token', 'add', 'n%d' % n, '--org', ORG,
                                     '--base-url', NOWHERE, '--key-file', box.key], env=box.env,
                                    stdin=subprocess.PIPE, stderr=subprocess.PIPE)
                   for n in range(4)]
        ended = [process.communicate(TOKEN.encode())[1] for process in running]
        assert [process.returncode for process in running] == [0] * 4, ended
        assert len(box.list()) == 5


def same_fingerprint():
    """A token has one fingerprint: in the list, in its own entry, in starts and in histories."""
    with Box(('--runs', '2', '--token', TOKEN, '--token', 'other-token')) as box:
        box.add()
        box.add(name='other', token='other-token')
        shown = {row['name']: row['fingerprint'] for row in box.list()}
        assert shown == {entry['name']: entry['token'] for entry in box.kinds()}, shown
        assert shown['acme'] != shown['other']
        for name, run in zip(('acme', 'other'), box.sandbox.ids):
            box.expect(0, 'archive', run, '--as', name, '--key-file', box.key, '--yes', '--reason',
                       'a case of the tests')
            rows = json.loads(box.expect(0, 'history', '--run', run, '-o', 'json'))
            assert [row['token'] for row in rows] == [shown[name]], (rows, shown)
        starts = [entry['token'] for entry in map(
            json.loads, box.expect(0, 'log', '-o', 'jsonl').splitlines())
                  if entry['kind'] == 'batch.started']
        assert starts == [shown['acme'], shown['other']], (starts, shown)
        new = box.write('new-key', os.urandom(48))
        box.expect(0, 'token', 'rekey', '--key-file', box.key, '--new-key-file', new)
        assert {row['name']: row['fingerprint'] for row in box.list()} == shown
    with Box() as box:
        box.add('--journal', os.path.join(box.key, 'no-folder'), says='is not in the journal')
        assert len(box.list()[0]['fingerprint']) == 32


def not_stored():
    """A name that is not there is said, also without a vault and with another token at hand."""
    with Box(('--runs', '1')) as box:
        plan = box.expect(0, 'plan', '-q', *box.sandbox.ids, '--org', ORG, '--base-url', box.url,
                          '--reason', 'a case of the tests').strip()
        for env in ({}, {'TALLYFY_API_TOKEN': TOKEN}):
            box.expect(3, 'run', plan, '--as', 'nosuch', env=env, says='no stored token nosuch')
        box.expect(3, 'plan', *box.sandbox.ids, '--as', 'nosuch', '--reason',
                   'a case of the tests', says='no stored token nosuch')
        box.expect(3, 'run', plan, says='no token is given or stored')
        box.add()
        box.expect(3, 'run', plan, '--as', 'nosuch', says='no stored token nosuch')
        box.expect(2, 'token', 'test', 'acme', '--key-file', box.key, '-o', 'csv', says='csv')
        box.expect(0, 'token', 'list', '-o', 'csv', says='name,org')


def questions():
    """Passphrase, reason, consent; a plan that is only stored asks for no passphrase."""
    with Box(('--runs', '3')) as box:
        phrase = box.write('phrase', 'one phrase\n')
        box.add(key=False, env={'MUNIMENT_PASSPHRASE_FILE': phrase})
        runs = box.sandbox.ids
        with Terminal(box, 'plan', runs[0], '--as', 'acme') as terminal:
            terminal.answer('Reason', 'a case of the tests')
            assert terminal.end() == 0 and b'assphrase' not in terminal.seen, terminal.seen
        for verb, more in (('archive', ('--as', 'acme')),
                           ('archive', ('--org', ORG, '--base-url', box.url))):
            with Terminal(box, verb, runs[1], *more) as terminal:
                terminal.answer('Passphrase', 'one phrase')
                terminal.answer('Reason', 'a case of the tests')
                terminal.answer('[y/N]', 'n')
                assert terminal.end() == 2, terminal.seen
                assert terminal.seen.count(b'Passphrase') == 1, terminal.seen
        with Terminal(box, 'archive', runs[1], '--as', 'acme') as terminal:
            terminal.answer('Passphrase', 'another')
            assert terminal.end() == 3 and b'Reason' not in terminal.seen, terminal.seen
        with Terminal(box, 'archive', runs[1], '--as', 'acme', '--reason',
                      'a case of the tests') as terminal:
            terminal.answer('Passphrase', 'one phrase')
            terminal.answer('[y/N]', 'y')
            assert terminal.end() == 0, terminal.seen
        assert len(box.sandbox.mutations()) == 1


if __name__ == '__main__':
    main([('ways in', ways_in), ('typed', typed), ('interrupted', interrupted), ('too long', too_long),
          ('no header value', no_header_value), ('organization', organization),
          ('renewed', renewed), ('names', names), ('keys', keys), ('locked', locked),
          ('listed', listed), ('tested', tested), ('order', order), ('environment', environment), ('damaged', damaged),
          ('elsewhere', elsewhere), ('wide open', wide_open), ('nobody waits', nobody_waits), ('killed', killed), ('race', race),
          ('same fingerprint', same_fingerprint), ('not stored', not_stored),
          ('questions', questions)])
