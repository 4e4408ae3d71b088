# SPDX-License-Identifier: Apache-2.0
"""An export that dies, or cannot write, at each of its places in turn: all of a bundle under its
name, or nothing; what the dead leave behind goes with the next one."""
import json
import os
import shutil

import harness
from test_export import MARK, World, files, rest


def prepared(w):
    w.run()
    w.expect(0, 'checkpoint')
    w.export('wanted')
    return files(w.path('wanted'))


def passages(w, out, fault):
    """Exports with the fault at place 1, 2, …, until one goes well."""
    for n in range(1, 200):
        w.env['MUN_FAIL'] = 'export:%d%s' % (n, fault)
        status, _, err = w.call('export', '--out', w.path(out))
        del w.env['MUN_FAIL']
        yield n, status, err
        if status == 0:
            return
    raise AssertionError('it never goes well')


def remove(path):
    (shutil.rmtree if os.path.isdir(path) else os.unlink)(path)


def dies(out, least):
    with World('--runs', '2') as w:
        wanted = prepared(w)
        n = whole = 0
        for n, status, _ in passages(w, out, ''):
            exists = os.path.exists(w.path(out))
            assert status in (0, -9), status
            assert len(rest(w.folder)) <= 1, 'what an earlier one left is still there'
            if exists:
                whole += 1
                if os.path.isdir(w.path(out)):
                    assert files(w.path(out)) == wanted
                remove(w.path(out))
        assert n >= least and whole == 2, (n, whole)  # before its entry, and undisturbed
        w.export('last')
        assert not rest(w.folder)
        w.expect(0, 'verify')


def fails(out, fault, least):
    with World('--runs', '2') as w:
        prepared(w)
        newest = w.lines('log')[-1]['seq']
        n = 0
        for n, status, err in passages(w, out, fault):
            if status == 0:
                continue
            assert status == 1 and not os.path.exists(w.path(out)), (n, status, err)
            assert not [name for name in os.listdir(w.folder) if name.startswith(MARK)]
            assert w.lines('log')[-1]['seq'] == newest, 'a bundle that is not there is recorded'
        assert n >= least, n
        assert json.loads(w.expect(0, 'log', '-o', 'jsonl').splitlines()[-1])['kind'] == 'export.made'


CASES = [('dies_' + out, lambda out=out: dies(out, 25)) for out in ('bundle', 'bundle.tar')] + \
    [('fails_%s_%s' % (fault, out), lambda out=out, fault=fault: fails(out, '=' + fault, 25))
     for fault in ('ENOSPC', 'EIO') for out in ('bundle', 'bundle.tar')]

if __name__ == '__main__':
    harness.main(CASES, workers=3)
