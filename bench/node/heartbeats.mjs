// Every way to send a heartbeat from Node: `once` sends one, `version` says what with.

import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(import.meta.url);
const peer = createRequire(join(process.env.BENCH_PEERS, 'package.json'));
const OURS = join(process.env.BENCH_ROOT, 'packages/readyup');
const ours = () => require(join(OURS, 'dist/index.js'));

/** Ours, by a call of it. */
function own(call) {
  return { version: `readyup ${require(join(OURS, 'package.json')).version}`, once: call(ours()) };
}

/** A peer's, by a call of it. */
function other(name, call) {
  const loaded = peer(name);
  return { version: `${name} ${peer(`${name}/package.json`).version}`, once: call(loaded) };
}

function spawned(program, args) {
  const once = () =>
    new Promise((resolve, reject) => {
      const child = spawn(program, args, { stdio: 'ignore' });
      child.on('error', reject);
      child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`${program} failed`))));
    });
  return { version: '', once };
}

export const heartbeats = {
  ping: () =>
    own(
      ({ watchdog }) =>
        () =>
          watchdog.ping(),
    ),
  send: () =>
    own(
      ({ send }) =>
        () =>
          send('WATCHDOG=1'),
    ),
  notify: () =>
    own(
      ({ notify }) =>
        () =>
          notify({ watchdog: true }),
    ),
  sd_notify: () =>
    own(
      ({ sd_notify }) =>
        () =>
          sd_notify('WATCHDOG=1'),
    ),
  'sd-notify': () => other('sd-notify', (notify) => () => notify.watchdog()),
  'unix-dgram': () =>
    other('unix-dgram', ({ createSocket }) => () => {
      return new Promise((resolve, reject) => {
        const socket = createSocket('unix_dgram');
        socket.on('error', reject);
        socket.on('connect', () => {
          socket.send(Buffer.from('WATCHDOG=1'));
          socket.close();
          resolve();
        });
        socket.connect(process.env.NOTIFY_SOCKET);
      });
    }),
  'systemd-daemon': () =>
    other(
      'systemd-daemon',
      ({ notify }) =>
        () =>
          notify('WATCHDOG=1'),
    ),
  'spawn-systemd-notify': () => spawned('systemd-notify', ['--no-block', 'WATCHDOG=1']),
  'spawn-readyup': () => spawned(join(process.env.BENCH_ROOT, 'target/static/readyup'), ['watchdog', '--no-block']),
};
