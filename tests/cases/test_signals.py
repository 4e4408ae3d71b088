# SPDX-License-Identifier: Apache-2.0
"""Signals: drained, aborted, ended; at questions and in loops; and what a program then died of."""
import os
import re
import signal
import threading
import time

from harness import MUNIMENT, ORG, World, conserved, main
from terminal import Terminal

FLAGS = ('--rate', 'none', '--settle', '300ms', '--progress', 'none')
ONE_LINE = r'(?m)^muniment: SIG(INT|TERM|HUP)[: ].*$'


class Runner:
    """A started command whose stderr is read while it runs."""

    def __init__(self, world, *args, **options):
        self.process = world.start(*args, **options)
        self.err = ''
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stderr:
            self.err += line

    def send(self, *numbers):
        """All of them at once: the process wakes up with each of them pending."""
        self.process.send_signal(signal.SIGSTOP)
        for number in numbers:
            self.process.send_signal(number)
        self.process.send_signal(signal.SIGCONT)

    def end(self, timeout=30):
        out = self.process.stdout.read()
        self.process.wait(timeout)
        self.reader.join(timeout)
        self.process.stdout.close()
        return self.process.returncode, out, self.err


def wait_for(world, count):
    end = time.monotonic() + 20
    while len(world.sandbox.mutations()) < count:
        assert time.monotonic() < end, 'nothing is sent'
        time.sleep(0.02)


def state_of(world):
    return world.status(world.lines('history')[0]['batch'])


def drained(number):
    with World('--runs', '40', '--latency', '150') as world:
        runner = Runner(world, 'run', world.plan(), *FLAGS)
        wait_for(world, 3)
        runner.process.send_signal(number)
        status, _, err = runner.end()
        assert status == -number, 'exit %d: %s' % (status, err)
        assert len(re.findall(ONE_LINE, err)) == 1, err
        state = state_of(world)
        assert 'muniment resume %s' % state['batch'] in err, err
        assert state['state'] == 'interrupted' and conserved(state['counts'])
        assert state['counts']['in_doubt'] == 0, 'what was in flight was not awaited'
        assert state['counts']['archived'] == len(world.sandbox.mutations())
        world.expect(0, 'resume', *FLAGS)
        assert state_of(world)['counts']['archived'] == 40
        world.compare()


def ignored_at_start():
    with World('--runs', '10', '--latency', '100') as world:
        runner = Runner(world, 'run', world.plan(), *FLAGS,
                        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        wait_for(world, 2)
        runner.process.send_signal(signal.SIGHUP)
        status, _, err = runner.end()
        assert status == 0, 'exit %d: %s' % (status, err)
        assert not re.findall(ONE_LINE, err)


def aborted():
    with World('--runs', '5', '--fault', 'hang-after@n=2') as world:
        runner = Runner(world, 'run', world.plan(), *FLAGS)
        wait_for(world, 2)
        runner.process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        assert runner.process.poll() is None, 'what is in flight is not awaited'
        runner.process.send_signal(signal.SIGINT)
        status, _, err = runner.end()
        assert status == -signal.SIGINT, 'exit %d: %s' % (status, err)
        assert len(re.findall(ONE_LINE, err)) == 2, err
        state = state_of(world)
        assert state['counts']['in_doubt'] == 1 and state['counts']['archived'] == 1, state
        last = world.lines('log')[-2:]
        assert [entry['kind'] for entry in last] == ['response', 'batch.paused'], last
        world.expect(0, 'resume', *FLAGS)
        assert state_of(world)['counts']['archived'] == 5
        world.compare()


def ended():
    with World('--runs', '5', '--fault', 'hang-after@n=2') as world:
        runner = Runner(world, 'run', world.plan(), *FLAGS)
        wait_for(world, 2)
        runner.send(signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
        status, _, err = runner.end()
        assert status in (129, 130, 143), 'exit %d: %s' % (status, err)
        assert len(re.findall(ONE_LINE, err)) == 3, err
        assert state_of(world)['counts']['in_doubt'] == 1
        world.expect(0, 'resume', *FLAGS)
        assert state_of(world)['counts']['archived'] == 5
        world.expect(0, 'verify')
        world.compare()


def waiting_for_quota():
    with World('--runs', '5') as world:
        runner = Runner(world, 'run', world.plan(), '--rate', '5/h', '--progress', 'none')
        wait_for(world, 2)
        time.sleep(0.3)
        began = time.monotonic()
        runner.process.send_signal(signal.SIGINT)
        status, _, err = runner.end()
        assert status == -signal.SIGINT, 'exit %d: %s' % (status, err)
        assert time.monotonic() - began < 1.5, 'it does not leave at once'
        assert state_of(world)['counts'] == {**state_of(world)['counts'], 'archived': 2,
                                             'pending': 3, 'in_doubt': 0}


def first_requests():
    """Before anything is changed: also a server that does not answer holds nobody."""
    with World('--runs', '2', '--fault', 'hang@all,on=any') as world:
        runner = Runner(world, 'run', world.plan(), *FLAGS)
        time.sleep(0.5)
        runner.send(signal.SIGINT, signal.SIGTERM)
        status, _, err = runner.end()
        assert status in (-signal.SIGINT, -signal.SIGTERM), 'exit %d: %s' % (status, err)
        assert not world.sandbox.mutations()


def at_a_question():
    with World('--runs', '3') as world:
        args = ('archive', '--org', ORG, '--base-url', world.sandbox.url, '--from',
                world.sandbox.ids_file, '--reason', 'asked on a terminal')
        with Terminal([MUNIMENT, *args], world.env) as terminal:
            terminal.wait_for(r'\[y/N\]')
            terminal.send('\x03')
            assert terminal.finish() == -signal.SIGINT, terminal.text()
            assert terminal.echoes()
        assert not world.sandbox.mutations()


def at_a_passphrase():
    with World('--runs', '1') as world:
        del world.env['TALLYFY_API_TOKEN']
        args = ('token', 'add', 'main', '--org', ORG, '--base-url', world.sandbox.url)
        with Terminal([MUNIMENT, *args], world.env) as terminal:
            end = time.monotonic() + 20
            while terminal.echoes():
                assert time.monotonic() < end, 'nothing hidden is asked: ' + terminal.text()
                terminal.read(0.02)
            terminal.send('half a secret\x03')
            assert terminal.finish() == -signal.SIGINT, terminal.text()
            assert terminal.echoes(), 'the echo is gone'
            assert 'secret' not in terminal.text()


def in_a_loop():
    with World('--runs', '40', '--latency', '100') as world:
        plan = world.plan()
        loop = 'for i in 1 2 3; do echo round $i; "$0" run %s %s; done; echo over' % (
            plan, ' '.join(FLAGS))
        with Terminal(['bash', '-c', loop, MUNIMENT], world.env) as terminal:
            wait_for(world, 2)
            terminal.send('\x03')
            assert terminal.finish() == -signal.SIGINT, terminal.text()
            assert terminal.text().count('round') == 1 and 'over' not in terminal.text()


def status_line():
    for args in (('-q',), ('--progress', 'none'), ('--progress', 'plain'), ()):
        with World('--runs', '10', '--latency', '200') as world:
            runner = Runner(world, 'run', world.plan(), '--rate', 'none', *args)
            wait_for(world, 2)
            before = runner.err.count('done, ')
            for _ in range(2):
                runner.process.send_signal(signal.SIGUSR1)
                time.sleep(0.5)
            status, _, err = runner.end()
            assert status == 0, 'exit %d: %s' % (status, err)
            assert err.count('done, ') == before + 2, err
            assert '\r' not in err and '\x1b' not in err


def closed_descriptors():
    def close():
        for fd in (0, 1, 2):
            os.close(fd)

    with World('--runs', '3') as world:
        plan = world.plan()
        process = world.start('run', plan, *FLAGS, preexec_fn=close)
        assert process.wait(30) == 0
        process.stdout.close()
        process.stderr.close()
        assert state_of(world)['counts']['archived'] == 3
        world.expect(0, 'verify')


def reader_gone():
    with World('--runs', '300', '--latency', '0') as world:
        world.expect(0, 'run', world.plan(), *FLAGS, '--concurrency', '8')
        for args in (('history', '-o', 'jsonl'), ('items', state_of(world)['batch']), ('log',)):
            process = world.start(*args, bufsize=0)
            process.stdout.close()
            status, err = process.wait(30), process.stderr.read()
            process.stderr.close()
            assert status == 141 and err == '', '%s: exit %d: %s' % (args[0], status, err)


def reader_of_a_run_gone():
    with World('--runs', '5', '--latency', '50') as world:
        runner = Runner(world, 'run', world.plan(), '-o', 'json', *FLAGS)
        runner.process.stdout.close()
        status = runner.process.wait(30)
        runner.reader.join(5)
        assert status == 0, 'exit %d: %s' % (status, runner.err)
        assert runner.err.count('output') == 1, runner.err
        assert state_of(world)['counts']['archived'] == 5


def full_output():
    with World('--runs', '3', '--fault', '404-resource@n=2') as world, \
            open('/dev/full', 'w', encoding='utf-8') as full:
        world.expect(9, 'run', world.plan(), '-o', 'json', *FLAGS, stdout=full)
        for query in (('history',), ('log',), ('status', '--all'), ('verify',)):
            world.expect(1, *query, stdout=full)


if __name__ == '__main__':
    main([('SIGTERM drains', lambda: drained(signal.SIGTERM)),
          ('SIGHUP drains', lambda: drained(signal.SIGHUP)),
          ('SIGINT drains', lambda: drained(signal.SIGINT)),
          ('SIGHUP ignored at start', ignored_at_start), ('a second one aborts', aborted),
          ('a third one ends', ended), ('waiting for quota', waiting_for_quota),
          ('first requests', first_requests), ('at a question', at_a_question),
          ('at a passphrase', at_a_passphrase), ('in a loop', in_a_loop),
          ('status line', status_line), ('closed descriptors', closed_descriptors),
          ('reader gone', reader_gone), ('reader of a run gone', reader_of_a_run_gone),
          ('full output', full_output)], workers=6)
