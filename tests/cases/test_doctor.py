# SPDX-License-Identifier: Apache-2.0
"""doctor: each fault is found and comes with its fix; nothing is written, not even a folder."""
import email.utils
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from harness import MUNIMENT, ORG, TOKEN, Sandbox, main

NOWHERE = 'http://127.0.0.1:9'  # nobody listens there
SOON = 'eyJhbGciOiJub25lIn0.%s.c2ln'


class Patient:
    """A HOME of its own; sandbox=(…): a server with these options."""

    def __init__(self, sandbox=None):
        self.folder = tempfile.mkdtemp(prefix='muniment-case-')
        self.home = os.path.join(self.folder, 'home')
        os.mkdir(self.home)
        self.env = {'PATH': os.environ.get('PATH', ''), 'HOME': self.home, 'LC_ALL': 'C.UTF-8'}
        for name in ('ASAN_OPTIONS', 'UBSAN_OPTIONS', 'LD_LIBRARY_PATH'):
            if name in os.environ:
                self.env[name] = os.environ[name]
        self.data = os.path.join(self.home, '.local/share/muniment')
        self.journal = os.path.join(self.data, 'journal')
        self.vault = os.path.join(self.data, 'vault')
        self.sandbox = None if sandbox is None else Sandbox(self.folder, *sandbox)
        self.url = self.sandbox.url if self.sandbox else NOWHERE
        self.key = os.path.join(self.folder, 'key')
        with open(os.open(self.key, os.O_WRONLY | os.O_CREAT, 0o600), 'wb') as file:
            file.write(os.urandom(48))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.sandbox:
            self.sandbox.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def call(self, *args, stdin='', env=None):
        return subprocess.run([MUNIMENT, *args], input=stdin, text=True, capture_output=True,
                              env={**self.env, **(env or {})}, timeout=60, check=False,
                              start_new_session=True)

    def must(self, *args, stdin='', env=None):
        done = self.call(*args, stdin=stdin, env=env)
        assert done.returncode == 0, '%s: %s' % (' '.join(args), done.stderr)
        return done.stdout

    def add(self, name='acme', token=TOKEN, url=None):
        self.must('token', 'add', name, '--org', ORG, '--base-url', url or self.url, '--key-file',
                  self.key, stdin=token)

    def plan(self):
        return self.must('plan', '-q', '--org', ORG, '--base-url', self.url, '--from',
                         self.sandbox.ids_file, '--reason', 'a case of the tests').strip()

    def tree(self):
        """Every path with its bytes; of LMDB's lock file and the times only that it is there."""
        found = {}
        for folder, names, files in os.walk(self.home):
            for name in names + files:
                path = os.path.join(folder, name)
                found[path] = None
                if name in files and name != 'lock.mdb':
                    with open(path, 'rb') as file:
                        found[path] = file.read()
        return found

    def doctor(self, status, *args, env=None, **expected):
        """expected: check → (result, a word of what is found, a word of the fix)."""
        before = self.tree()
        done = self.call('doctor', '-o', 'json', *args, env=env)
        assert self.tree().keys() <= before.keys() | lock_files(before), 'doctor makes files'
        assert all(before[path] == data for path, data in self.tree().items() if path in before), \
            'doctor writes'
        assert done.returncode == status, 'exit %d, not %d: %s%s' % (done.returncode, status,
                                                                    done.stdout, done.stderr)
        rows = json.loads(done.stdout)
        assert all(list(row) == ['check', 'result', 'found', 'fix'] for row in rows), rows
        by_check = {row['check'].replace(' ', '_'): row for row in rows}
        assert len(by_check) == len(rows), rows
        for row in rows:
            assert row['result'] in ('ok', 'warn', 'fail'), row
            assert (row['fix'] is None) == (row['result'] == 'ok'), 'no fix: %s' % row
            assert row['result'] != 'fail' or status != 0, rows
        for check, (result, found, fix) in expected.items():
            row = by_check.get(check)
            assert row, 'no %s in %s' % (check, rows)
            assert (row['result'], found in row['found'], fix in (row['fix'] or '')) == \
                (result, True, True), row
        return by_check


def lock_files(before):
    return {os.path.join(folder, 'lock.mdb') for folder in before}


def nothing_yet():
    """A new installation: fine, and it stays as it is."""
    with Patient() as patient:
        patient.doctor(0, journal=('ok', 'none yet', ''), vault=('ok', 'none yet', ''),
                       identity=('warn', 'no token', '--token-file'))
        assert os.listdir(patient.home) == []
        env = {'HOME': '', 'XDG_DATA_HOME': ''}
        patient.doctor(12, env=env, journal=('fail', 'HOME', '--journal'))


def all_fine():
    with Patient(()) as patient:
        patient.add()
        rows = patient.doctor(0, '--key-file', patient.key, journal=('ok', '2 entries', ''),
                              vault=('ok', '1 token, opened by a key file', ''),
                              server=('ok', patient.url, ''), clock=('ok', '2 minutes', ''),
                              identity=('ok', 'user ', ''))
        # Without TLS on loopback is what tests use; a file system in memory may be too.
        assert all(row['result'] == 'ok' for check, row in rows.items()
                   if check not in ('TLS', 'file_system')), rows
        table = patient.must('doctor', '--key-file', patient.key)
        assert 'fix' in table and 'ok' in table, table
        before = patient.must('log', '-o', 'jsonl')
        patient.must('doctor', '--key-file', patient.key)
        assert patient.must('log', '-o', 'jsonl') == before, 'it is journalled'
        for path in [request['path'] for request in patient.sandbox.requests()[1:]]:
            assert path == '/me', path


def tokens():
    """None of several, one that does not open, one that the server refuses, one that expires."""
    with Patient(()) as patient:
        patient.add()
        patient.doctor(3, identity=('fail', 'locked', '--key-file'))
        patient.doctor(3, '--as', 'nobody', '--key-file', patient.key,
                       identity=('fail', 'nobody', 'token list'))
        patient.doctor(3, '--org', '1' * 32, '--key-file', patient.key,
                       identity=('fail', 'fits', '--as'))
        patient.doctor(3, '--token-file', '/nonexistent', identity=('fail', 'cannot be opened', ''))
        patient.doctor(3, '--base-url', patient.url, env={'TALLYFY_API_TOKEN': 'another-token'},
                       server=('ok', patient.url, ''),
                       identity=('fail', '401', 'token add NAME --replace'))
        patient.doctor(3, '--base-url', patient.url, env={'TALLYFY_API_TOKEN': 'to ken'},
                       identity=('fail', 'byte 3', ''))
        patient.add('second')
        patient.doctor(0, '--key-file', patient.key, identity=('warn', 'several', '--as NAME'))
        patient.add('old', token=SOON % 'eyJleHAiOjE3MDAwMDAwMDB9')
        patient.doctor(3, '--as', 'old', '--key-file', patient.key,
                       token_old=('warn', 'expired 2023-11-14', 'token add old --replace'),
                       identity=('fail', 'expired', '--replace'))


def server():
    with Patient() as patient:
        target = ('--base-url', NOWHERE)
        env = {'TALLYFY_API_TOKEN': TOKEN}
        patient.doctor(14, *target, env=env, server=('fail', '127.0.0.1:9', 'network'))
        patient.doctor(2, *target, '--cacert', '/nonexistent', env=env,
                       server=('fail', 'CA file', '--cacert'))
        assert patient.call('doctor', '--timeout', 'x', *target, env=env).returncode == 2
        assert patient.call('doctor', '--base-url', 'ftp://x', env=env).returncode == 2
        assert patient.call('doctor', 'x').returncode == 2
        assert patient.call('doctor', '-o', 'ids').returncode == 2
    for options, status, result, word in ((('--me-status', '500'), 14, 'fail', '500'),
                                          (('--me-status', '404'), 0, 'warn', '404'),
                                          (('--me-status', '403'), 0, 'warn', '403'),
                                          (('--fault', 'html200@all,on=any'), 14, 'fail', '200'),
                                          (('--fault', 'hang@all,on=any'), 14, None, '')):
        with Patient(options) as patient:
            expected = {'identity': (result, word, '')} if result else {'server': ('fail', '', '')}
            patient.doctor(status, '--base-url', patient.url, '--timeout', '1s',
                           env={'TALLYFY_API_TOKEN': TOKEN}, **expected)


def tls():
    with tempfile.TemporaryDirectory() as folder:
        key, cert = os.path.join(folder, 'key'), os.path.join(folder, 'cert')
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
                        'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key, '-out', cert,
                        '-days', '2', '-subj', '/CN=localhost', '-addext',
                        'subjectAltName=IP:127.0.0.1'], check=True, capture_output=True)
        with Patient(('--tls', cert, key)) as patient:
            env = {'TALLYFY_API_TOKEN': TOKEN}
            target = ('--base-url', patient.url)
            patient.doctor(14, *target, env=env, TLS=('fail', 'certificate', '--cacert'))
            patient.doctor(0, *target, '--cacert', cert, env=env, TLS=('ok', 'TLSv1.', ''))


def clock():
    """Over two minutes from the server's: said, with how much and in which direction."""
    for apart, result, word in ((0, 'ok', '2 minutes'), (100, 'ok', '2 minutes'),
                                (600, 'warn', 'behind'), (-600, 'warn', 'ahead of')):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                body = b'{"data":{"id":7}}'
                self.send_response_only(200)
                date = email.utils.formatdate(time.time() + self.server.apart, usegmt=True)
                self.send_header('Date', date)
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        web = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        web.apart = apart
        threading.Thread(target=web.serve_forever, daemon=True).start()
        try:
            with Patient() as patient:
                rows = patient.doctor(0, '--base-url', 'http://127.0.0.1:%d' % web.server_port,
                                      env={'TALLYFY_API_TOKEN': TOKEN}, clock=(result, word, ''))
                assert result == 'ok' or ('10m' in rows['clock']['found'] or
                                          '9m' in rows['clock']['found']), rows['clock']
        finally:
            web.shutdown()
            web.server_close()


def journal():
    """Damaged, of another kind, open to others; an item in doubt and its age."""
    with Patient(('--runs', '3', '--fault', 'hang@n=2', '--fault', '503@all,on=run')) as patient:
        env = {'TALLYFY_API_TOKEN': TOKEN}
        target = ('--base-url', patient.url)
        runner = subprocess.Popen([MUNIMENT, 'run', patient.plan(), '--rate', 'none', '--progress',
                                   'none'], env={**patient.env, **env}, stdin=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        end = time.monotonic() + 20
        while len(patient.sandbox.mutations()) < 2:
            assert time.monotonic() < end, 'nothing is sent'
            time.sleep(0.05)
        runner.kill()
        runner.wait()
        time.sleep(1.2)
        rows = patient.doctor(0, *target, env=env, journal=('ok', 'entries', ''),
                              in_doubt=('warn', '1 in doubt', 'muniment resolve'))
        assert re.search(r'sent [1-9][0-9.]*s ago$', rows['in_doubt']['found']), rows
        data = os.path.join(patient.journal, 'data.mdb')
        with open(data, 'r+b') as file:
            file.write(b'\xff' * 8192)
        patient.doctor(12, *target, env=env, journal=('fail', 'data.mdb', 'muniment verify'))
        patient.doctor(12, '--base-url', NOWHERE, env=env, journal=('fail', '', ''),
                       server=('fail', '', ''))
        shutil.rmtree(patient.journal)
        with open(patient.journal, 'w', encoding='ascii') as file:
            file.write('no folder')
        patient.doctor(12, *target, env=env, journal=('fail', '', ''))


def vault():
    """Damaged or open to others: said; a token from elsewhere is still tried."""
    with Patient(()) as patient:
        patient.add()
        env = {'TALLYFY_API_TOKEN': TOKEN}
        target = ('--base-url', patient.url)
        os.chmod(patient.vault, 0o755)
        patient.doctor(3, vault=('fail', 'open to other users', 'chmod go='))
        patient.doctor(3, *target, env=env, vault=('fail', '', ''), identity=('ok', 'user', ''))
        # The worse of two faults decides the exit status, not the first.
        patient.doctor(14, '--base-url', NOWHERE, env=env, vault=('fail', '', ''),
                       server=('fail', '', ''))
        os.chmod(patient.vault, 0o700)
        data = os.path.join(patient.vault, 'data.mdb')
        with open(data, 'r+b') as file:
            whole = file.read()
            at = whole.rindex(ORG.encode())
            file.seek(at)
            file.write(b'0')
        rows = patient.doctor(3, vault=('fail', 'damaged', ''))
        assert 'identity' not in rows, rows
        with open(data, 'r+b') as file:
            file.write(b'\xff' * 8192)
        patient.doctor(3, vault=('fail', '', ''))


if __name__ == '__main__':
    main([('nothing yet', nothing_yet), ('all fine', all_fine), ('tokens', tokens),
          ('server', server), ('tls', tls), ('clock', clock), ('journal', journal),
          ('vault', vault)])
