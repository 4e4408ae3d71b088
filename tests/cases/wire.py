# SPDX-License-Identifier: Apache-2.0
"""Servers that answer as a test says, a proxy, certificates: all on loopback, inside the test."""
import datetime
import json
import os
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile
import threading

from harness import ORG, TOKEN, World

FAST = ('--rate', 'none', '--settle', '300ms', '--attempts', '3', '--progress', 'none')
ROOT = '/organizations/%s' % ORG
GOODBYE = object()  # close without a byte
RESET = object()


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime('%Y-%m-%dT%H:%M:%S.%fZ')


def run_ids(count):
    return ['%032x' % (0xa000 + number) for number in range(count)]


def reply(status, body=None, *headers, length=True):
    """One whole answer as bytes; body: bytes, or what JSON can say."""
    data = body if isinstance(body, bytes) else b'' if body is None else json.dumps(body).encode()
    head = ['HTTP/1.1 %d Said' % status, *headers]
    if not any(line.lower().startswith('content-type') for line in headers):
        head.append('Content-Type: application/json')
    if length:
        head.append('Content-Length: %d' % len(data))
    return '\r\n'.join(head).encode('latin-1') + b'\r\n\r\n' + data


class Request:
    """What came, and on which connection."""

    def __init__(self, text, connection):
        self.text = text.decode('latin-1')
        self.method, target, self.version = self.text.split('\r\n')[0].split(' ')
        if target.startswith('http://'):  # as a proxy gets it, and may pass it on
            target = '/' + target.split('/', 3)[3]
        self.path, _, self.query = target.partition('?')
        self.connection = connection
        self.time = now()
        self.run = self.path.split('/')[4] if self.path.startswith(ROOT + '/runs/') else None
        self.mutate = self.method != 'GET'

    def header(self, name):
        for line in self.text.split('\r\n')[1:]:
            key, _, value = line.partition(':')
            if key.lower() == name.lower():
                return value.strip()
        return None


def read_head(peer):
    """The bytes up to the empty line, or None."""
    text = b''
    while b'\r\n\r\n' not in text:
        part = peer.recv(65536)
        if not part:
            return None
        text += part
    return text


class Listener:
    """Accepts on loopback; serve(peer, number) in a thread each."""

    def __init__(self, address='127.0.0.1', port=0):
        family = socket.AF_INET6 if ':' in address else socket.AF_INET
        self.socket = socket.create_server((address, port), family=family, backlog=64)
        self.port = self.socket.getsockname()[1]
        self.lock = threading.Lock()
        self.peers = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            with self.lock:
                self.peers.append(peer)
                number = len(self.peers)
            threading.Thread(target=self.guarded, args=(peer, number), daemon=True).start()

    def guarded(self, peer, number):
        try:
            self.serve(peer, number)
        except (OSError, ValueError):
            pass  # the client left, or the handshake failed: the test looks at the client
        finally:
            peer.close()

    def serve(self, peer, number):
        raise NotImplementedError

    def deafen(self):
        """From now on connections are refused; those that are open stay."""
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def hear(self):
        self.socket = socket.create_server(('127.0.0.1', self.port), backlog=64)
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        try:
            self.deafen()
        except OSError:
            pass  # it is already
        with self.lock:
            for peer in self.peers:
                peer.close()


class Api(Listener):
    """The runs of one organization. answer(api, request) gives bytes to send (an iterable of
    them: one after the other), GOODBYE, RESET, or None for the true answer; a pair (bytes,
    GOODBYE) closes behind them."""

    def __init__(self, runs=6, answer=None, tls=None, address='127.0.0.1', host=None):
        self.folder = tempfile.mkdtemp(prefix='muniment-api-')
        self.ids = run_ids(runs)
        self.ids_file = os.path.join(self.folder, 'ids')
        with open(self.ids_file, 'w', encoding='ascii') as file:
            file.write('\n'.join(self.ids) + '\n')
        self.log_file = self.ids_file  # exists: the comparison reads requests()
        self.archived = {}
        self.received = []
        self.answer = answer
        self.tls = tls
        self.handshakes = []  # protocol chosen by ALPN, TLS version, sent in clear before
        super().__init__(address)
        name = host or ('[%s]' % address if ':' in address else address)
        self.url = '%s://%s:%d' % ('https' if tls else 'http', name, self.port)

    def serve(self, peer, number):
        if self.tls:
            peer = self.tls.wrap_socket(peer, server_side=True)
            with self.lock:
                self.handshakes.append((peer.selected_alpn_protocol(), peer.version()))
        try:
            while True:
                text = read_head(peer)
                if text is None or not self.respond(peer, Request(text, number)):
                    return
        finally:
            peer.close()

    def respond(self, peer, request):
        with self.lock:
            self.received.append(request)
        said = self.answer(self, request) if self.answer else None
        if said is None:
            said = self.truth(request)
        if said is GOODBYE:
            return False
        if said is RESET:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            return False
        leave = isinstance(said, tuple)
        if leave:
            said = said[0]
        for part in [said] if isinstance(said, bytes) else said:
            peer.sendall(part)
        return not leave

    def document(self, run):
        return {'id': run, 'name': 'Contract of Ada', 'archived_at': self.archived.get(run),
                'last_updated': '2026-01-02T03:04:05.000Z'}

    def effect(self, request):
        if request.method == 'DELETE':
            self.archived.setdefault(request.run, now())
        else:
            self.archived.pop(request.run, None)

    def truth(self, request):
        if request.mutate:
            self.effect(request)
        if request.path.endswith('/me'):
            return reply(200, {'data': {'id': 4711, 'email': 'ada@example.test'}})
        if request.path.endswith('/me/organizations'):
            return reply(200, {'data': [{'id': ORG, 'name': 'Harborline'}]})
        if '/users/' in request.path:
            return reply(200, {'data': {'id': 4711, 'role': 'Admin', 'type': 'standard'}})
        if request.path.endswith('/runs'):
            rows = [self.document(run) for run in self.ids if run in self.archived]
            return reply(200, {'data': rows, 'meta': {'pagination': {
                'total': len(rows), 'current_page': 1, 'total_pages': 1}}})
        return reply(200, {'data': self.document(request.run)})

    def requests(self):
        with self.lock:
            return [{'time': each.time, 'method': each.method, 'path': each.path,
                     'mutate': each.mutate} for each in self.received]

    def mutations(self):
        with self.lock:
            return [each for each in self.received if each.mutate]

    def close(self):
        super().close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Proxy(Listener):
    """For CONNECT and for plain http. mode: work, a status, close, hang, junk, drop."""

    def __init__(self, mode='work'):
        self.mode = mode
        self.received = []
        self.stop = threading.Event()
        super().__init__()
        self.address = '127.0.0.1:%d' % self.port

    def url(self, user='hidden-user:hidden-password@'):
        return 'http://%s%s' % (user, self.address)

    def serve(self, peer, number):
        text = read_head(peer)
        if text is None:
            return
        self.received.append(text.decode('latin-1'))
        if isinstance(self.mode, int):
            peer.sendall(reply(self.mode, b'<h1>no</h1>', 'Content-Type: text/html'))
        elif self.mode == 'hang':
            self.stop.wait(60)
        elif self.mode in ('junk', 'drop'):
            peer.sendall(b'HTTP/1.1 200 Connection established\r\n\r\n')
            if self.mode == 'junk':
                peer.recv(65536)
                peer.sendall(b'this is no handshake at all\r\n' * 20)
        elif self.mode == 'work':
            self.relay(peer, text)

    def relay(self, peer, text):
        method, target, _ = text.split(b'\r\n')[0].decode().split(' ')
        authority = target if method == 'CONNECT' else target.split('/')[2]
        host, _, port = authority.rpartition(':')
        with socket.create_connection((host, int(port))) as other:
            if method == 'CONNECT':
                peer.sendall(b'HTTP/1.1 200 Connection established\r\n\r\n')
            else:
                path = '/' + target.split('/', 3)[3]
                other.sendall(text.replace(target.encode(), path.encode(), 1))
            threading.Thread(target=pump, args=(peer, other), daemon=True).start()
            pump(other, peer)

    def close(self):
        self.stop.set()
        super().close()


def pump(source, sink):
    try:
        while True:
            data = source.recv(65536)
            if not data:
                break
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


class Bench(World):
    """A journal of its own beside a server of ours; names are variables of the environment."""

    def __init__(self, server, token=TOKEN, **env):
        self.folder = tempfile.mkdtemp(prefix='muniment-case-')
        self.journal = os.path.join(self.folder, 'journal')
        self.env = {'PATH': os.environ.get('PATH', ''), 'HOME': self.folder,
                    'XDG_DATA_HOME': os.path.join(self.folder, 'data'),
                    'XDG_STATE_HOME': os.path.join(self.folder, 'state'),
                    'MUNIMENT_JOURNAL': self.journal, 'TALLYFY_API_TOKEN': token}
        for name in ('ASAN_OPTIONS', 'UBSAN_OPTIONS', 'LD_LIBRARY_PATH'):
            if name in os.environ:
                self.env[name] = os.environ[name]
        self.env.update(env)
        self.sandbox = server

    def run(self, plan, *options, status=0):
        """Exit status checked; the object printed, or {}, and what was said."""
        flags = [word for at in range(0, len(FAST), 2) if FAST[at] not in options
                 for word in FAST[at:at + 2]]
        got, out, err = self.call('run', plan, '-o', 'json', *flags, *options)
        assert got == status, 'exit %d, not %d: %s' % (got, status, err[-700:])
        return json.loads(out) if out else {}, err

    def whole(self):
        """Every byte that the journal's directory and its log hold."""
        text = self.expect(0, 'log', '-o', 'jsonl').encode()
        for where, _, names in os.walk(self.folder):
            for name in names:
                with open(os.path.join(where, name), 'rb') as file:
                    text += file.read()
        return text


def counts(result):
    return {name: value for name, value in result['counts'].items() if value and name != 'total'}


class Authority:
    """A certificate authority in a folder, made by the openssl command."""

    def __init__(self, name='Test CA'):
        self.folder = tempfile.mkdtemp(prefix='muniment-ca-')
        self.file = self.path('ca.pem')
        self.openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256',
                     '-nodes', '-keyout', self.path('ca.key'), '-out', self.file, '-days', '30',
                     '-subj', '/CN=%s' % name)
        self.count = 0
        self.lock = threading.Lock()

    def path(self, name):
        return os.path.join(self.folder, name)

    @staticmethod
    def openssl(*args):
        subprocess.run(['openssl', *args], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def files(self, names='DNS:localhost,IP:127.0.0.1', days=30, signed=True):
        """A new certificate and its key; not signed: by itself."""
        with self.lock:
            self.count += 1
            serial = self.count
        key, cert, ext, request = [self.path('%d.%s' % (serial, end))
                                   for end in ('key', 'pem', 'ext', 'csr')]
        curve = ('-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key,
                 '-subj', '/CN=server %d' % serial)
        if signed:
            self.openssl('req', *curve, '-out', request)
            with open(ext, 'w', encoding='ascii') as file:
                file.write('subjectAltName=%s\n' % names)
            self.openssl('x509', '-req', '-in', request, '-CA', self.file, '-CAkey',
                         self.path('ca.key'), '-set_serial', str(serial), '-days', str(days),
                         '-extfile', ext, '-out', cert)
        else:
            self.openssl('req', '-x509', *curve, '-out', cert, '-days', str(days), '-addext',
                         'subjectAltName=' + names)
        return cert, key

    def issue(self, **options):
        """A context for a server with a new certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.files(**options))
        return context

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)
