// Runs the addon in Node under valgrind, which sees what it does with memory that is not its own, never written or given
// back already. Every error that valgrind has is one here, wherever it is seen: those of Node itself are in `node.supp`.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FakeJournal } from '../../packages/readyup/test/journal.mjs';
import { Receiver } from '../../packages/readyup/test/receiver.mjs';
import { environment } from '../../packages/readyup/test/support.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const node = join(root, 'target/runtimes/npm/node_modules/node20/bin/node');
const logs = join(root, 'target/memory');
/** A program takes half a minute, on a machine that has nothing else to do. */
const LIMIT = 400_000;
/** What valgrind ends with, if it has found anything. */
const FOUND = 99;

/** Each program beside this file, with the status that it ends with. */
const programs = { 'every-kind': 0, exit: 7 };

async function check(name, status) {
  const start = performance.now();
  const [receiver, journal] = await Promise.all([Receiver.start(), FakeJournal.start()]);
  const log = join(logs, `${name}.log`);
  const parameters = [
    `--log-file=${log}`,
    `--error-exitcode=${FOUND}`,
    '--leak-check=full',
    '--show-leak-kinds=definite',
    '--errors-for-leak-kinds=definite',
    '--num-callers=30',
    `--suppressions=${fileURLToPath(new URL('node.supp', import.meta.url))}`,
    node,
    '--expose-gc',
    fileURLToPath(new URL(`${name}.cjs`, import.meta.url)),
  ];
  const env = environment({ NOTIFY_SOCKET: receiver.address, MANAGER: receiver.pid, JOURNAL: journal.address });
  const child = spawn('valgrind', parameters, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT);
  const ended = await new Promise((resolve) => child.once('close', (code, signal) => resolve(code ?? signal)));
  clearTimeout(timer);
  receiver.resume();
  await receiver.end();
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  if (ended === status) {
    console.log(`   ${name}: nothing found, in ${seconds} s`);
    return true;
  }
  const found = ended === FOUND ? 'valgrind has found something' : `ended with ${ended} instead of ${status}`;
  console.log(`   ${name}: FAILED: ${found}\n${output}\n${readFileSync(log, 'utf8')}`);
  return false;
}

rmSync(logs, { recursive: true, force: true });
mkdirSync(logs, { recursive: true });
const results = await Promise.all(Object.entries(programs).map(([name, status]) => check(name, status)));
process.exit(results.every(Boolean) ? 0 : 1);
