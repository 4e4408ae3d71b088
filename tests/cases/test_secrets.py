# SPDX-License-Identifier: Apache-2.0
"""The token stays where it belongs: every file, output and process is searched for a canary."""
import base64
import http.client
import json
import os
import pty
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from harness import MUNIMENT, ORG, Sandbox, main

CANARY = 'canary/7c1f4e9b+2a8d6035==x'
PASSPHRASE = 'phrase-5e0f91c2-canary'
PROXY_PASSWORD = 'proxy-password-canary-41'
REASON = 'a case of the tests'
FLAGS = ('--rate', 'none', '--settle', '300ms', '--progress', 'none', '--attempts', '3')


def forms(secret):
    """As it is, percent-encoded, as JSON with escaped slashes, and base64 at each offset."""
    raw = secret.encode()
    yield raw
    yield urllib.parse.quote(secret, safe='').encode()
    yield raw.replace(b'/', b'\\/')
    yield raw.hex().encode()
    for before in range(3):
        text = base64.b64encode(b'x' * before + raw).rstrip(b'=')
        yield text[4 if before else 0:-3]


def search(what, data, allowed=()):
    for secret in (CANARY, PASSPHRASE, PROXY_PASSWORD):
        for form in forms(secret):
            if secret not in allowed:
                assert form not in data, '%s holds a secret (%s)' % (what, secret)


class World:
    """A HOME, a sandbox that takes the canary, and a proxy in front of it that can echo."""

    def __init__(self, *sandbox_args, echo=None, tls=False):
        self.folder = tempfile.mkdtemp(prefix='muniment-case-')
        self.home = os.path.join(self.folder, 'home')
        self.outside = os.path.join(self.folder, 'outside')  # files of others: token, log of server
        os.mkdir(self.home)
        os.mkdir(self.outside)
        self.env = {'PATH': os.environ.get('PATH', ''), 'HOME': self.home, 'LC_ALL': 'C.UTF-8',
                    'TMPDIR': self.home,
                    'SSLKEYLOGFILE': os.path.join(self.home, 'session-keys')}
        for name in ('ASAN_OPTIONS', 'UBSAN_OPTIONS', 'LD_LIBRARY_PATH'):
            if name in os.environ:
                self.env[name] = os.environ[name]
        more = ('--tls', *self.certificate()) if tls else ()
        self.sandbox = Sandbox(self.outside, '--token', CANARY, *more, *sandbox_args)
        self.url = self.sandbox.url
        self.relay = Relay(self.url, echo) if echo else None
        if echo:
            self.url = self.relay.url
        self.token = self.write('token', CANARY + '\n')
        self.phrase = self.write('phrase', PASSPHRASE + '\n')
        self.said = b''

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.relay:
            self.relay.close()
        self.sandbox.close()
        if kind is None:
            self.search_files()
        shutil.rmtree(self.folder, ignore_errors=True)

    def write(self, name, text):
        path = os.path.join(self.outside, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), 'w', encoding='utf-8') as file:
            file.write(text)
        return path

    def certificate(self):
        key, cert = (os.path.join(self.outside, name) for name in ('tls.key', 'tls.pem'))
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
                        'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key, '-out', cert,
                        '-days', '2', '-subj', '/CN=localhost', '-addext',
                        'subjectAltName=IP:127.0.0.1'], check=True, capture_output=True)
        return cert, key

    def start(self, *args, env=None, **options):
        return subprocess.Popen([MUNIMENT, *args], env={**self.env, **(env or {})},
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, start_new_session=True, **options)

    def ended(self, process):
        out, err = process.communicate(timeout=60)
        self.search_output(process.args[1:], out, err)
        return process.returncode, out.decode(), err.decode()

    def search_output(self, args, out, err):
        search('stdout of ' + ' '.join(args), out)
        search('stderr of ' + ' '.join(args), err)

    def call(self, *args, **options):
        return self.ended(self.start(*args, **options))

    def expect(self, status, *args, **options):
        got, out, err = self.call(*args, **options)
        assert got == status, '%s: exit %d, not %d: %s' % (' '.join(args), got, status, err)
        return out

    def plan(self):
        return self.expect(0, 'plan', '-q', '--org', ORG, '--base-url', self.url, '--from',
                           self.sandbox.ids_file, '--reason', REASON).strip()

    def search_files(self):
        """All that the program has written; nothing of it is the caller's own token file."""
        searched = 0
        for folder, names, files in os.walk(self.home):
            for name in names + files:
                search('the name of ' + name, name.encode())
            for name in files:
                path = os.path.join(folder, name)
                assert 'core' not in name and 'session-keys' not in name, path
                with open(path, 'rb') as file:
                    search(path, file.read())
                searched += 1
        assert searched > 0, 'nothing was written'

    def search_answers(self):
        """The queries unpack what is stored packed: each entry, body and row."""
        log = self.expect(0, 'log', '-o', 'jsonl').splitlines()
        for args in (('history', '-o', 'json'), ('history', '-v'), ('status', '--all'), ('log',),
                     ('verify', '-v'), ('journal', 'info')):
            self.call(*args)
        bodies = 0
        for entry in map(json.loads, log):
            shown = self.expect(0, 'show', '#%d' % entry['seq'])
            bodies += 'body' in shown
        assert bodies > 0
        return log


class Relay:
    """Passes requests on, unless echo(method, path, count) says how to answer: (status, how)."""

    def __init__(self, target, echo):
        host = target.split('//')[1]
        counts = {}

        class Handler(BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def handle_any(self):
                counts[self.command] = counts.get(self.command, 0) + 1
                status = echo(self.command, self.path, counts[self.command])
                sent = self.headers.get('Authorization', '')
                if status:
                    body = json.dumps({'message': 'refused', 'you sent': sent,
                                       'bare': sent.split(' ')[-1]}).encode()
                    headers = [(name, sent) for name in
                               ('X-Request-Id', 'CF-Ray', 'X-RateLimit-Limit', 'Server', 'Retry-After')]
                    headers.append(('Location', 'https://' + sent.split(' ')[-1] + '.example/'))
                    headers.append(('X-RateLimit-Reset', 'x' * 240 + sent))
                else:
                    upstream = http.client.HTTPConnection(host, timeout=30)
                    upstream.request(self.command, self.path, headers=dict(self.headers))
                    answer = upstream.getresponse()
                    status, body = answer.status, answer.read()
                    headers = []
                    upstream.close()
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_DELETE = do_PUT = handle_any

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.server.daemon_threads = True
        self.url = 'http://127.0.0.1:%d' % self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def whole_life():
    """add, plan, run, kill, resume and every query, with the vault and a passphrase file."""
    with World('--runs', '30', '--latency', '30', '--fault', '500@n=3') as world:
        world.env['MUNIMENT_PASSPHRASE_FILE'] = world.phrase
        world.expect(0, 'token', 'add', 'acme', '--org', ORG, '--base-url', world.url,
                     '--token-file', world.token)
        world.expect(0, 'token', 'list', '-o', 'json')
        world.expect(0, 'token', 'test', 'acme', '-v')
        plan = world.plan()
        runner = world.start('run', plan, '-v', *FLAGS)
        wait_for_mutations(world, 4)
        search_process(runner.pid)
        runner.kill()
        world.ended(runner)
        world.expect(0, 'resume', '-v', *FLAGS)
        world.search_answers()
        world.expect(0, 'doctor', '-v')
        world.expect(0, 'journal', 'backup', os.path.join(world.home, 'copy'))
        world.expect(0, 'token', 'remove', 'acme')


def wait_for_mutations(world, count):
    end = time.monotonic() + 30
    while len(world.sandbox.mutations()) < count:
        assert time.monotonic() < end, 'nothing is sent'
        time.sleep(0.02)


def search_process(pid):
    """Its command line, environment and limits; those of its children too."""
    for one in [pid, *children(pid)]:
        for name in ('cmdline', 'environ'):
            with open('/proc/%d/%s' % (one, name), 'rb') as file:
                search('/proc/%d/%s' % (one, name), file.read())
        with open('/proc/%d/limits' % one, encoding='ascii') as file:
            core = [line for line in file if line.startswith('Max core file size')]
        assert core[0].split()[4:6] == ['0', '0'], core


def children(pid):
    with open('/proc/%d/task/%d/children' % (pid, pid), encoding='ascii') as file:
        return [int(child) for child in file.read().split()]


def echoed():
    """Whoever answers may repeat the token, in the body and in headers."""
    for status in (401, 403, 400, 404, 422, 500, 503, 302, 429):
        def echo(method, path, count, status=status):
            return status if method == 'DELETE' and count == 2 else None
        with World('--runs', '4', echo=echo) as world:
            world.env['TALLYFY_API_TOKEN'] = CANARY
            world.call('run', world.plan(), '-v', *FLAGS, '--max-wait', '3s')
            world.search_answers()
    with World('--runs', '2', echo=lambda method, path, count: 401) as world:
        world.expect(3, 'run', world.plan(), '-v', '--token-file', world.token, *FLAGS)
        target = ('--org', ORG, '--base-url', world.url, '--token-file', world.token)
        world.expect(3, 'token', 'test', *target)
        world.expect(3, 'doctor', '-v', *target)
        world.expect(3, 'token', 'add', 'x', '--base-url', world.url, '--token-file', world.token,
                     env={'MUNIMENT_PASSPHRASE_FILE': world.phrase})
        world.expect(0, 'token', 'add', 'x', *target, env={'MUNIMENT_PASSPHRASE_FILE': world.phrase})
        world.search_answers()


def tls():
    """A certificate that nobody vouches for, and one that is: no session keys are written."""
    with World('--runs', '3', tls=True) as world:
        world.env['TALLYFY_API_TOKEN'] = CANARY
        plan = world.plan()
        world.expect(14, 'run', plan, '-v', *FLAGS)
        world.expect(14, 'doctor', '-v', '--org', ORG, '--base-url', world.url)
        ca = os.path.join(world.outside, 'tls.pem')
        world.expect(0, 'run', plan, '-v', '--cacert', ca, *FLAGS)
        world.expect(0, 'doctor', '-v', '--org', ORG, '--base-url', world.url, '--cacert', ca)
        world.search_answers()


def proxy():
    """The password of a proxy is a secret too."""
    with World('--runs', '2') as world:
        world.env['TALLYFY_API_TOKEN'] = CANARY
        plan = world.plan()
        for value in ('http://user:%s@127.0.0.1:9' % PROXY_PASSWORD,
                      'socks5h://user:%s@127.0.0.1:9' % PROXY_PASSWORD,
                      'http://user:%s@127.0.0.1:%s' % (PROXY_PASSWORD, world.url.split(':')[-1])):
            env = {name: value for name in ('http_proxy', 'https_proxy', 'ALL_PROXY')}
            world.call('run', plan, '-v', *FLAGS, '--max-wait', '1s', env=env)
            world.call('doctor', '-v', '--org', ORG, '--base-url', world.url, env=env)
            world.call('token', 'test', '--org', ORG, '--base-url', world.url, env=env)
        world.call('log', '-o', 'jsonl')


def mistyped():
    """A token where something else belongs is not repeated."""
    jwt = 'eyJhbGciOiJub25lIn0.eyJleHAiOjQxMDI0NDQ4MDB9.' + 'c2lnbmF0dXJl' * 3
    with World('--runs', '1') as world:
        world.plan()
        run = world.sandbox.ids[0]
        cases = [(*command, jwt) for command in
                 (('token',), ('token', 'add'), ('token', 'remove'), ('token', 'test'), ('plan',),
                  ('archive',), ('restore',), ('run',), ('resume',), ('resolve',), ('cancel',),
                  ('status',), ('items',), ('show',), ('journal',), ('help',), ('doctor',),
                  ('version',), ())]
        for option in ('--org', '--base-url', '--as', '--token', '--token-file', '--token-fd',
                       '--key-file', '--cacert', '--timeout', '-o', '--tz', '--color', '--progress',
                       '--fields'):
            cases.append(('token', 'test', option, jwt))
            cases.append(('token', 'list', option, jwt))
        for option in ('--org', '--base-url', '--as', '--from', '--format', '--label', '--confirm',
                       '--rate', '--concurrency', '--attempts', '--settle', '--stop-at',
                       '--stop-after', '--max-wait', '--bodies', '--ticket'):
            cases.append(('archive', run, '--reason', REASON, option, jwt))
        bad = []
        for args in cases:
            process = world.start(*args)
            out, err = process.communicate(timeout=60)
            if jwt.encode() in out + err:
                bad.append(' '.join(args).replace(jwt, 'TOKEN'))
        assert not bad, 'repeated by: ' + '; '.join(bad)


def pasted():
    """A web token anywhere on a command line: refused, not shown, to be revoked, not recorded."""
    jwt = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.abc'
    with World('--runs', '2') as world:
        world.env['TALLYFY_API_TOKEN'] = CANARY
        world.plan()
        run, url = world.sandbox.ids[0], world.url
        plan = ('plan', run, '--org', ORG, '--base-url', url)
        why = ('--reason', REASON)
        listed = world.write('list', 'id,reason,ticket\n%s,because of %s,\n%s,,%s\n'
                             % (run, jwt, world.sandbox.ids[1], jwt))
        lines = world.write('lines', run + '\n' + jwt + '\n')
        cases = [
            (2, 'show', jwt), (2, 'verify', jwt), (2, 'journal', 'backup', jwt),
            (2, 'resolve', 'b-000000', jwt), (2, 'items', jwt), (2, 'status', '--journal', jwt),
            (7, 'archive', jwt, '--org', ORG, *why), (7, *plan[:1], jwt, *plan[2:], *why),
            (7, *plan[:1], '--from', lines, *plan[2:], *why),
            (7, *plan[:1], '--from', listed, *plan[2:], *why),
            (2, *plan[:1], '--from', jwt, *plan[2:], *why), (2, *plan, '--reason', 'for ' + jwt),
            (2, 'archive', run, *why, '--confirm', jwt), (2, *plan, *why, '--journal', jwt)]
        cases += [(2, *plan, *why, option, value)
                  for option, value in (('--ticket', jwt), ('--operator', jwt),
                                        ('--label', 'k=' + jwt), ('--label', jwt))]
        cases += [(2, 'history', option, jwt) for option in (
            '--op', '--state', '--since', '--fields', '--run', '--reason', '--ticket', '--limit')]
        cases += [(2, 'run', 'p-' + '0' * 20, option, jwt) for option in (
            '--rate', '--stop-at', '--cacert', '--as', '--settle')]
        before = world.expect(0, 'log', '-o', 'jsonl')
        for status, *args in cases:
            got, out, err = world.call(*args)
            shown = ' '.join(args).replace(jwt, 'TOKEN')
            assert got == status, '%s: exit %d, not %d: %s' % (shown, got, status, err)
            for part in (jwt, 'eyJhbGci'):
                assert part not in out + err, shown
            assert 'revoke that token' in err, (shown, err)
        got, _, err = world.call('cancel', 'b-000000', env={'MUNIMENT_REASON': 'for ' + jwt})
        assert got == 2 and 'revoke' in err and jwt not in err, err
        assert world.expect(0, 'log', '-o', 'jsonl') == before, 'something was recorded'
        assert not os.path.exists(jwt), 'the token became the name of a folder'
        # Its name is no secret when it is a file's.
        here = os.path.join(world.outside, 'eyJournal-of-the-year-2026')
        world.expect(0, 'journal', 'backup', os.path.join(world.outside, 'backup'))
        os.rename(os.path.join(world.outside, 'backup'), here)
        world.expect(0, 'history', '--journal', here)


def no_core():
    """No core file where the shell allows one, and the process is closed to others."""
    with open(MUNIMENT, 'rb') as file:
        if b'__asan_init' in file.read():
            return  # the sanitizer's leak check traces the process, so it stays open
    with World('--runs', '3', '--fault', 'hang@n=1') as world:
        world.env['TALLYFY_API_TOKEN'] = CANARY
        plan = world.plan()
        where = os.path.join(world.home, 'here')
        os.mkdir(where)
        runner = world.start('run', plan, *FLAGS, cwd=where, preexec_fn=allow_core)
        wait_for_mutations(world, 1)
        with open('/proc/%d/limits' % runner.pid, encoding='ascii') as file:
            core = [line for line in file if line.startswith('Max core file size')]
        assert core[0].split()[4:6] == ['0', '0'], core
        with open('/proc/%d/status' % runner.pid, encoding='ascii') as file:
            locked = [line.split()[1] for line in file if line.startswith('VmLck')]
        assert int(locked[0]) > 0, 'the token is not in locked memory'
        runner.send_signal(signal.SIGSEGV)
        assert world.ended(runner)[0] == -signal.SIGSEGV
        assert os.listdir(where) == []
        if os.geteuid() == 0:
            closed_to_its_user(world)


def closed_to_its_user(world):
    """Not dumpable: the files of the process in /proc belong to root, not to who runs it."""
    for folder in (world.folder, world.home, world.outside):
        os.chmod(folder, 0o755)
    home = os.path.join(world.home, 'nobody')
    os.mkdir(home)
    os.chown(home, 65534, 65534)
    leader, follower = pty.openpty()
    process = subprocess.Popen([MUNIMENT, 'token', 'add', 'acme', '--org', ORG], stdin=follower,
                               stdout=follower, stderr=follower, user=65534, group=65534,
                               extra_groups=[], env={**world.env, 'HOME': home},
                               start_new_session=True)
    try:
        asked = os.read(leader, 4096)
        assert b'Token' in asked, asked
        assert os.stat('/proc/%d/environ' % process.pid).st_uid == 0
        with open('/proc/%d/status' % process.pid, encoding='ascii') as file:
            assert 'Uid:\t65534' in file.read()
    finally:
        process.kill()
        process.wait()
        os.close(leader)
        os.close(follower)


def allow_core():
    import resource
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


if __name__ == '__main__':
    main([('whole life', whole_life), ('echoed', echoed), ('tls', tls), ('proxy', proxy),
          ('mistyped', mistyped), ('pasted', pasted), ('no core', no_core)])
