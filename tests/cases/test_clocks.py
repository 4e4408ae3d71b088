# SPDX-License-Identifier: Apache-2.0
"""Clocks that jump, another boot, a server in another time, zones: waits and evidence hold."""
import datetime
import os
import re
import signal
import subprocess
import sys
import time

from harness import SANDBOX, SKIPPED, Sandbox, World, main

CLOCK = os.environ.get('MUN_CLOCK', '')
DAY = 86400
FLAGS = ('--settle', '300ms', '--progress', 'none')


class Clock:
    """What the processes with this environment take for the time."""

    def __init__(self, path):
        self.path = path
        self.boot = '-'
        self.set()
        self.env = {'LD_PRELOAD': CLOCK, 'MUN_FAKE_CLOCK': path,
                    'ASAN_OPTIONS': os.environ.get('ASAN_OPTIONS', '') +
                    ':verify_asan_link_order=0'}

    def set(self, real_s=0, boot_ms=0):
        with open(self.path + '.new', 'w', encoding='ascii') as file:
            file.write('%d %d %s\n' % (real_s, boot_ms, self.boot))
        os.rename(self.path + '.new', self.path)

    def reboot(self, boot_id, uptime_ms=0, real_s=0):
        """Another boot id, and the time since boot begins again."""
        with open(self.path + '.boot', 'w', encoding='ascii') as file:
            file.write(boot_id + '\n')
        self.boot = self.path + '.boot'
        now_ms = int(time.clock_gettime(time.CLOCK_BOOTTIME) * 1000)
        self.set(real_s=real_s, boot_ms=uptime_ms - now_ms)


class ShiftedSandbox(Sandbox):
    """A server whose clock is off."""

    def __init__(self, folder, seconds, *args):
        clock = Clock(os.path.join(folder, 'server-clock'))
        clock.set(real_s=seconds)
        wrapper = os.path.join(folder, 'server')
        with open(wrapper, 'w', encoding='ascii') as file:
            file.write('#!/bin/sh\n%s exec %s "$@"\n' % (
                ' '.join("%s='%s'" % pair for pair in clock.env.items()), SANDBOX))
        os.chmod(wrapper, 0o700)
        self.program = wrapper
        super().__init__(folder, *args)


class ClockWorld(World):
    def __init__(self, *args, server_s=0):
        super().__init__(*args)
        if server_s:
            self.sandbox.close()
            for name in (self.sandbox.ids_file, self.sandbox.log_file):
                if os.path.exists(name):
                    os.unlink(name)
            self.sandbox = ShiftedSandbox(self.folder, server_s, *args)
        self.clock = Clock(os.path.join(self.folder, 'clock'))
        self.env.update(self.clock.env)

    def wait_for(self, count):
        end = time.monotonic() + 20
        while len(self.sandbox.mutations()) < count:
            assert time.monotonic() < end, 'nothing is sent'
            time.sleep(0.01)

    def seconds(self):
        """When the server got each request, in seconds of this machine."""
        form = '%Y-%m-%dT%H:%M:%S.%f%z'
        return [datetime.datetime.strptime(request['time'].replace('Z', '+0000'), form).timestamp()
                for request in self.sandbox.requests()]

    def kinds(self):
        return [entry['kind'] for entry in self.lines('log')]

    def state(self):
        return self.status(self.lines('history')[0]['batch'])


def most_within(seconds, period):
    return max(sum(1 for other in seconds if first <= other < first + period) for first in seconds)


def jumped(seconds):
    with ClockWorld('--runs', '16', '--latency', '20') as world:
        runner = world.start('run', world.plan(), '--rate', '6/2s', *FLAGS)
        world.wait_for(4)
        world.clock.set(real_s=seconds)
        _, err = runner.communicate(timeout=60)
        assert runner.returncode == 0, 'exit %d: %s' % (runner.returncode, err)
        counts = world.state()['counts']
        assert counts['archived'] == 16, counts
        assert most_within(world.seconds(), 1.5) <= 6, 'more than the window admits'
        if seconds < 0:
            assert 'clock.jumped' in world.kinds(), 'nothing is said of the jump'
        status, out, err = world.call('verify')
        assert status == 0, err or out


def slept_while_waiting():
    """A suspend: only the time since boot goes on, and the window is free again."""
    with ClockWorld('--runs', '5') as world:
        runner = world.start('run', world.plan(), '--rate', '5/h', *FLAGS)
        world.wait_for(2)
        time.sleep(0.3)
        assert runner.poll() is None
        world.clock.set(real_s=3700, boot_ms=3700000)
        _, err = runner.communicate(timeout=20)
        assert runner.returncode == 0, 'exit %d: %s' % (runner.returncode, err)
        assert world.state()['counts']['archived'] == 5


def other_boot(real_s):
    """The window of before holds after a reboot, also where realtime has gone back by then."""
    with ClockWorld('--runs', '6') as world:
        world.clock.reboot('11111111-2222-3333-4444-555555555555', 5000000)
        runner = world.start('run', world.plan(), '--rate', '6/4s', *FLAGS)
        world.wait_for(3)
        time.sleep(0.2)
        runner.kill()
        runner.communicate()
        world.clock.reboot('66666666-7777-8888-9999-aaaaaaaaaaaa', 20000, real_s)
        world.expect(0, 'resume', '--rate', '6/4s', *FLAGS)
        assert world.state()['counts']['archived'] == 6
        assert most_within(world.seconds(), 3.2) <= 6, 'the window is forgotten'
        world.expect(0, 'verify')
        world.compare()


def blocked_over_a_reboot():
    """The server said when to come back: that time is kept as such."""
    with ClockWorld('--runs', '3', '--fault', '429:4@n=2') as world:
        world.clock.reboot('11111111-2222-3333-4444-555555555555', 5000000)
        runner = world.start('run', world.plan(), '--rate', 'none', *FLAGS)
        world.wait_for(2)
        time.sleep(0.3)
        runner.send_signal(signal.SIGKILL)
        runner.communicate()
        last = world.seconds()[-1]
        world.clock.reboot('66666666-7777-8888-9999-aaaaaaaaaaaa', 20000)
        world.expect(0, 'resume', '--rate', 'none', *FLAGS)
        after = min(second for second in world.seconds() if second > last)
        assert after - last >= 3.5, 'asked again after %.1f s' % (after - last)
        assert world.state()['counts']['archived'] == 3


def server_ahead(seconds):
    """Answers that never come: the probes compare times of the server with times of the server."""
    with ClockWorld('--runs', '6', '--fault', 'close-after@n=2', '--fault', '500-after@n=4',
                    server_s=seconds) as world:
        status, _, err = world.call('run', world.plan(), '--rate', 'none', *FLAGS)
        assert status == 0, 'exit %d: %s' % (status, err)
        counts = world.state()['counts']
        assert counts['archived'] == 6, counts
        evidence = sorted(row['evidence'] for row in world.lines('history'))
        assert evidence == ['probe'] * 2 + ['response'] * 4, evidence
        entries = [entry for entry in world.lines('log') if entry['kind'] == 'clock.jumped']
        assert len(entries) == 1, 'the distance is not recorded once: %d' % len(entries)
        form = '%Y-%m-%dT%H:%M:%S.%f%z'
        both = [datetime.datetime.strptime(entries[0][name].replace('Z', '+0000'), form)
                for name in ('server', 'real')]
        assert abs((both[0] - both[1]).total_seconds() - seconds) < 5, entries
        assert re.search('clock', err), 'the run does not say it: ' + err


def archived_before():
    """Somebody archived it ten minutes ago, in server time: never taken for ours."""
    with ClockWorld('--runs', '4', '--archived', '2', '--rearchive', '200',
                    server_s=600) as world:
        world.expect(0, 'run', world.plan(), '--rate', 'none', *FLAGS)
        counts = world.state()['counts']
        assert counts['archived'] == 2 and counts['already_archived'] == 2, counts


def stop_at():
    with ClockWorld('--runs', '40', '--latency', '100') as world:
        world.env['TZ'] = 'Europe/Berlin'
        began = time.monotonic()
        status, _, err = world.call('run', world.plan(), '--rate', 'none', '--stop-at', '2s',
                                    *FLAGS)
        assert status == 10 and time.monotonic() - began < 5, 'exit %d: %s' % (status, err)
        assert re.search(r'\d\d:\d\d:\d\d ?\+0[12]:?00', err), 'no offset: ' + err
        batch = world.state()
        assert batch['state'] == 'stopped' and batch['counts']['pending'] > 0
        world.env['TZ'] = 'UTC0'
        later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2)
        status, _, err = world.call('resume', '--rate', 'none', '--stop-at',
                                    later.strftime('%Y-%m-%dT%H:%M:%SZ'), *FLAGS)
        assert status == 10, 'exit %d: %s' % (status, err)


def a_line_a_minute():
    with ClockWorld('--runs', '10', '--latency', '250') as world:
        runner = world.start('run', world.plan(), '--rate', 'none', '--settle', '300ms')
        world.wait_for(3)
        world.clock.set(real_s=61, boot_ms=61000)
        world.wait_for(6)
        world.clock.set(real_s=110, boot_ms=110000)
        _, err = runner.communicate(timeout=30)
        assert runner.returncode == 0, err
        assert len(re.findall(r'(?m)^\d+/10 done', err)) == 2, err


if __name__ == '__main__':
    if not CLOCK or subprocess.run(['date'], env={'LD_PRELOAD': CLOCK, 'PATH': os.environ['PATH']},
                                   check=False, stdout=subprocess.DEVNULL).returncode != 0:
        print('skipped: MUN_CLOCK names a library to be preloaded')
        sys.exit(SKIPPED)
    main([('a day back', lambda: jumped(-DAY)), ('a day ahead', lambda: jumped(DAY)),
          ('slept while waiting', slept_while_waiting), ('other boot', lambda: other_boot(0)),
          ('other boot, realtime back', lambda: other_boot(-DAY)),
          ('blocked over a reboot', blocked_over_a_reboot),
          ('server ahead', lambda: server_ahead(600)),
          ('server behind', lambda: server_ahead(-600)),
          ('archived before', archived_before), ('stop at', stop_at),
          ('a line a minute', a_line_a_minute)], workers=6)
