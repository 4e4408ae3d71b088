# SPDX-License-Identifier: Apache-2.0
"""cosign against the known answers of another witness (its requests in order, as it keeps state).
MUNIMENT_VECTORS names the folder that holds them."""
import json
import os
import subprocess
import sys
import tempfile

import notes
from harness import MUNIMENT, SKIPPED

FOLDER = os.environ.get('MUNIMENT_VECTORS')


def run(vectors, folder):
    env = {'PATH': os.environ.get('PATH', ''), 'HOME': folder, 'LC_ALL': 'C.UTF-8',
           'MUNIMENT_KEY_FILE': os.path.join(folder, 'key')}
    for name in ('ASAN_OPTIONS', 'UBSAN_OPTIONS', 'LD_LIBRARY_PATH'):
        if name in os.environ:
            env[name] = os.environ[name]
    with open(env['MUNIMENT_KEY_FILE'], 'wb') as file:
        file.write(os.urandom(32))
    os.chmod(env['MUNIMENT_KEY_FILE'], 0o600)
    key = notes.Key(subprocess.run([MUNIMENT, 'cosign', '--public-key'], env=env, check=True,
                                   capture_output=True, text=True).stdout.splitlines()[0])
    for number, case in enumerate(vectors['cases']):
        request, out = os.path.join(folder, 'in'), os.path.join(folder, 'out%d' % number)
        with open(request, 'w', encoding='utf-8') as file:
            file.write(case['request_body'])
        done = subprocess.run([MUNIMENT, 'cosign', request, out, '--state',
                               os.path.join(folder, 'state'), '--log-key', vectors['log_vkey']],
                              env=env, capture_output=True, text=True, check=False, timeout=60)
        want = case['http_status']
        if 'unknown log' in case['response_assert']:
            want = 404  # as the specification says since those answers were recorded
        what = 'case %d: exit %d: %s' % (number, done.returncode, done.stderr)
        if want == 200:
            assert done.returncode == 0, what
            with open(out, encoding='utf-8') as file:
                line = file.read()
            note = notes.Note(case['request_body'].split('\n\n', 1)[1] + line)
            assert note.signed_by(key), what
            assert note.signed_by(notes.Key(vectors['log_vkey'])), what
        else:
            assert done.returncode == 15 and 'not cosigned: %d' % want in done.stderr, what
            assert not os.path.exists(out), what
        if want == 409:
            size = case['response_assert'].split('"')[1].replace('\\n', '')
            assert 'has size %s)' % size in done.stderr, what
    print('%d answers of %s' % (len(vectors['cases']), vectors['source']))


def main():
    path = os.path.join(FOLDER or '', 'witness-add-checkpoint.json')
    if not FOLDER or not os.path.exists(path) or not MUNIMENT:
        print('skipped: MUNIMENT_VECTORS names the folder of the known answers')
        sys.exit(SKIPPED)
    with open(path, encoding='utf-8') as file:
        vectors = json.load(file)
    assert len(vectors['cases']) >= 9
    with tempfile.TemporaryDirectory(prefix='muniment-case-') as folder:
        run(vectors, folder)


main()
