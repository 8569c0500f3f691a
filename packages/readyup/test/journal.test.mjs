import assert from 'node:assert/strict';
import { basename } from 'node:path';
import { before, test } from 'node:test';
import { Journal, journal as own } from 'readyup';
import { FakeJournal } from './journal.mjs';
import { descriptors, freshPath, runScript } from './support.mjs';

let fake;
let journal;
before(async () => {
  fake = await FakeJournal.start();
  journal = new Journal({ socket: fake.address, identifier: 'acme' });
});

const datagram = (text) => ({ kind: 'datagram', text });

test('a text is one entry, whatever is in it', async () => {
  assert.equal(await journal.print('info', '100 %s = "all"'), true);
  assert.deepEqual(await fake.take(), datagram('MESSAGE=100 %s = \\"all\\"\\nPRIORITY=6\\nSYSLOG_IDENTIFIER=acme\\n'));
  assert.equal(await journal.print(3, 'two\nPRIORITY=0'), true);
  const length = '\\x0e' + '\\x00'.repeat(7);
  assert.deepEqual(
    await fake.take(),
    datagram(`MESSAGE\\n${length}two\\nPRIORITY=0\\nPRIORITY=3\\nSYSLOG_IDENTIFIER=acme\\n`),
  );
});

test('every priority has its number', async () => {
  const levels = ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug'];
  const others = { emergency: 0, critical: 2, error: 3, warn: 4, 5: 5 };
  for (const [name, number] of [...levels.map((name, number) => [name, number]), ...Object.entries(others)]) {
    journal.print(name, name);
    assert.match((await fake.take()).text, new RegExp(`^MESSAGE=${name}\\\\nPRIORITY=${number}\\\\n`));
  }
});

test('fields of every kind', async () => {
  const fields = { A: 1.5, B: 2n, C: true, D: ['x', new Uint8Array([0, 255])], E: undefined, F: '', G: 'ä' };
  assert.equal(await journal.send({ ...fields, SYSLOG_IDENTIFIER: 'me' }), true);
  assert.deepEqual(
    await fake.take(),
    datagram('A=1.5\\nB=2\\nC=true\\nD=x\\nD=\\x00\\xff\\nF=\\nG=\\xc3\\xa4\\nSYSLOG_IDENTIFIER=me\\n'),
  );
});

test('large entries, and those of many fields', async () => {
  const before = descriptors();
  assert.equal(await journal.print('info', 'x'.repeat(1 << 20)), true);
  assert.equal(descriptors(), before);
  const { kind, text } = await fake.take();
  assert.equal(kind, 'file');
  assert.ok(text.startsWith('MESSAGE=xxx') && text.length > 1 << 20);
  assert.equal(await journal.send({ A: Array(1023).fill('x') }), true);
  assert.equal((await fake.take()).text, 'A=x\\n'.repeat(1023) + 'SYSLOG_IDENTIFIER=acme\\n');
  await assert.rejects(journal.send({ A: Array(1024).fill('x') }), {
    message: 'the entry has 1025 fields, and the journal takes at most 1024',
    code: 'EINVAL',
    syscall: 'sd_journal_send',
  });
});

test('the default identifier is the name of the program', async () => {
  new Journal({ socket: fake.address }).print('info', 'x');
  assert.ok((await fake.take()).text.endsWith(`\\nSYSLOG_IDENTIFIER=${basename(process.argv0)}\\n`));
});

test('what is no entry', async () => {
  const table = [
    [{}, /the entry has no fields/],
    [{ _PID: '1' }, /_PID begins with '_'/],
    [{ '1A': 'x' }, /1A begins with a digit/],
    [{ message: 'x' }, /message is no name of a field/],
    [{ 'A=B\nC': 'x' }, /A=B\?C is no name of a field/],
    [{ A: {} }, /"A" must be a string, a number, a boolean or bytes/],
    [{ A: null }, /"A" must be/],
    [{ PRIORITY: 8 }, /a priority must be 0 to 7/],
    [{ PRIORITY: 'loud' }, /a priority must be 0 to 7/],
    [null, /the fields must be an object/],
  ];
  for (const [fields, message] of table) await assert.rejects(journal.send(fields), { message });
  await assert.rejects(journal.print('info', undefined), { code: 'ERR_INVALID_ARG_TYPE' });
  await assert.rejects(journal.print(undefined, 'x'), { code: 'ERR_INVALID_ARG_TYPE' });
  assert.throws(() => new Journal({ socket: 'relative' }), { code: 'EINVAL' });
});

test('an entry that finds the queue full waits, in order', async () => {
  await fake.stop();
  const impatient = new Journal({ socket: fake.address, timeout: 0 });
  let filled = 0;
  for (; ; filled += 1) {
    const sent = await impatient.print('info', 'fill').catch((error) => error);
    if (sent !== true) {
      assert.equal(sent.code, 'EAGAIN');
      assert.equal(sent.message, "the journal's queue is full, and it was not to be waited for");
      break;
    }
  }
  const waiting = [journal.print('info', 'first'), journal.print('info', 'second')];
  fake.resume();
  assert.deepEqual(await Promise.all(waiting), [true, true]);
  for (let count = 0; count < filled; count += 1) assert.match((await fake.take()).text, /^MESSAGE=fill/);
  for (const text of ['first', 'second']) assert.match((await fake.take()).text, new RegExp(`^MESSAGE=${text}`));
});

test('without a journal every call resolves to false', async () => {
  const nobody = new Journal({ socket: freshPath() });
  assert.equal(await nobody.print('info', 'x'), false);
  assert.equal(await nobody.print('info', 'x'.repeat(1 << 20)), false);
  assert.equal(typeof (await own.print('debug', 'a test of readyup')), 'boolean');
});

test('an entry is on its way before the call returns', async () => {
  await runScript(
    `new (require('readyup').Journal)({ socket: ${JSON.stringify(fake.address)} }).print(6, 'last words'); process.exit()`,
  );
  assert.match((await fake.take()).text, /^MESSAGE=last words/);
});

test('close gives the descriptor back', async () => {
  const before = descriptors();
  const closing = new Journal({ socket: fake.address });
  await closing.print('info', 'x');
  assert.equal(descriptors(), before + 1);
  closing.close();
  assert.equal(descriptors(), before);
  assert.equal(await closing.print('info', 'x'), false);
});
