// The judge of `readyup/testing`, as WebAssembly.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageDirectory } from './support.mjs';

const { Instance, Module } = WebAssembly;
const judge = new Module(readFileSync(join(packageDirectory, 'native', 'service.wasm')));

/** A service's life with these settings, how to write what a call is about, and what it answers. */
function life(settings = {}) {
  const { exports } = new Instance(judge, {});
  const write = (text) => {
    // First the call: the memory is another one when it has grown.
    const place = exports.input();
    return new TextEncoder().encodeInto(text, new Uint8Array(exports.memory.buffer, place)).written;
  };
  const answer = (length) => {
    const place = exports.output();
    return new TextDecoder().decode(new Uint8Array(exports.memory.buffer, place, length)).split('\n');
  };
  for (const [name, value] of Object.entries(settings)) {
    const isWord = typeof value === 'string';
    assert.equal(exports.set(write(isWord ? `${name}=${value}` : name), isWord ? 0 : value), 0, `${name} ${value}`);
  }
  answer(exports.configure());
  const say = (text, now, fds = []) => {
    const length = write(text);
    for (const fd of fds) exports.with_fd(fd);
    return answer(exports.message(length, 42, 0, now));
  };
  /** Process 42 has started at the time 1000; if it notifies, it is not ready yet. */
  const started = () => {
    exports.start(1000);
    return answer(exports.spawned(42, 1000));
  };
  return { exports, write, answer, say, started };
}

/** Settings, what happens then, and lines that the last of it is answered with. */
const table = [
  [{ Type: 'simple' }, ({ started }) => started(), ['ActiveState=active']],
  [{ Type: 'exec' }, ({ started }) => started(), ['ActiveState=active']],
  [{ Type: 'notify' }, ({ started }) => started(), ['ActiveState=activating', 'NotifyAccess=main']],
  [{ Type: 'simple', NotifyAccess: 'none' }, ({ started }) => started(), ['NotifyAccess=none']],
  ...['main', 'exec', 'all'].map((access) => [
    { NotifyAccess: access },
    ({ started }) => started(),
    [`NotifyAccess=${access}`],
  ]),
  [{ TimeoutStartSec: 5 }, ({ started }) => started(), ['deadline=1005']],
  [
    { TimeoutStopSec: 7, KillSignal: 12 },
    (it) => {
      it.started();
      return it.answer(it.exports.stop(2000));
    },
    ['signal=12 42', 'deadline=2007'],
  ],
  [
    { WatchdogSec: 10, TimeoutAbortSec: 9, WatchdogSignal: 3 },
    (it) => {
      it.started();
      it.say('READY=1', 1000);
      return it.answer(it.exports.deadline(1010));
    },
    ['WatchdogUSec=10', 'signal=3 42', 'SubState=stop-watchdog', 'deadline=1019'],
  ],
  [
    { FileDescriptorStoreMax: 1 },
    (it) => {
      it.started();
      return it.say('FDSTORE=1\nFDNAME=http', 1000, [1, 2]);
    },
    ['store=1 http', 'close=2', 'stored=http'],
  ],
  [
    { SuccessExitStatus: 3 },
    (it) => {
      it.started();
      it.say('READY=1', 1000);
      return it.answer(it.exports.exited(42, 3, 2000));
    },
    ['ActiveState=inactive', 'Result=success'],
  ],
  [
    { Type: 'notify-reload', ReloadSignal: 10 },
    (it) => {
      it.started();
      it.say('READY=1', 1000);
      return it.answer(it.exports.reload(2000));
    },
    ['signal=10 42'],
  ],
  [
    { Systemd: 253 },
    (it) => {
      it.started();
      return it.say('NOTIFYACCESS=all', 1000);
    },
    ['refused=NOTIFYACCESS= is unknown before systemd 254'],
  ],
  ...Object.entries({
    'control-group': ['signal=15 42', 'signal=15 others'],
    mixed: ['signal=15 42'],
    process: ['signal=15 42'],
    none: [],
  }).map(([mode, signals]) => [
    { KillMode: mode },
    (it) => {
      it.started();
      it.exports.others(1, 1000);
      const lines = it.answer(it.exports.stop(2000));
      assert.deepEqual(
        lines.filter((line) => line.startsWith('signal=15')),
        signals,
      );
      return lines;
    },
    // Who is not killed at first is killed at the end, or not at all.
    [mode === 'none' ? 'ActiveState=inactive' : 'SubState=stop-sigterm'],
  ]),
];

test('ok: every setting is heeded', () => {
  for (const [settings, happen, expected] of table) {
    const lines = happen(life(settings));
    for (const line of expected) assert.ok(lines.includes(line), `${JSON.stringify(settings)}: ${lines.join(', ')}`);
  }
});

test('ok: a time may be infinity', () => {
  const lines = life({ TimeoutStartSec: Infinity }).started();
  assert.deepEqual(
    lines.filter((line) => line.startsWith('deadline=')),
    [],
  );
});

test('err: settings that there are not', () => {
  const { exports, write } = life();
  for (const name of ['', 'Type', 'Type=', 'Type=forking', 'KillMode=all', 'Systemd=257', 'Restart=always']) {
    assert.ok(exports.set(write(name), 1) > 0, name);
  }
});

test('ok: memory stays as it is over a million messages', () => {
  const { exports, write, started } = life({ FileDescriptorStoreMax: 4 });
  started();
  const name = 'x'.repeat(255);
  const status = 'x'.repeat(4000);
  const say = (number) => {
    const fdName = `FDNAME=${name.slice(0, number % 256)}`;
    const message = [
      `STATUS=${status.slice(0, (number * 7) % (number % 100 === 0 ? 4000 : 40))}`,
      `FDSTORE=1\n${fdName}`,
      `FDSTOREREMOVE=1\n${fdName}`,
      'WATCHDOG=2',
    ][number % 4];
    const length = write(message);
    exports.with_fd(number);
    // Some are of somebody who is not believed.
    exports.message(length, number % 5 === 0 ? 43 : 42, 0, number);
  };
  const size = () => exports.memory.buffer.byteLength;
  // Each size that there is has been in use by then.
  let number = 0;
  while (number < 50_000) say((number += 1));
  const before = size();
  while (number < 1_000_000) say((number += 1));
  assert.equal(size(), before);
});
