// A service whose event loop hangs, in the way that its first argument names. It tests nothing itself.
const { execSync, spawn } = require('node:child_process');
const fs = require('node:fs');
const { status, watchdog } = require('readyup');

const [way, seconds = '1', options = '{}'] = process.argv.slice(2);
const ms = 1000 * Number(seconds);
const fifo = process.env.FIFO;

const ways = {
  loop() {
    const end = Date.now() + ms;
    while (Date.now() < end); // loop
  },
  helper() {
    const end = Date.now() + ms;
    for (;;) if (over(end)) return; // helper
  },
  expression() {
    // Twice the work with each letter more.
    for (let letters = 22, end = Date.now() + ms; Date.now() < end; letters += 1)
      /^(a+)+$/.test('a'.repeat(letters) + 'b'); // expression
  },
  sort() {
    const numbers = Array.from({ length: 1 << 20 }, (_, index) => (index * 7919) % 104729);
    const end = Date.now() + ms;
    while (Date.now() < end) numbers.sort((a, b) => (a ^ end) - (b ^ end)); // sort
  },
  parse() {
    const text = JSON.stringify(Array.from({ length: 50_000 }, (_, index) => ({ index })));
    const end = Date.now() + ms;
    while (Date.now() < end) keep(JSON.parse(text)); // parse
  },
  read() {
    const file = fs.openSync(fifo, 'r+');
    spawn('/bin/sh', ['-c', `sleep ${seconds}; echo >"$FIFO"`]);
    fs.readSync(file, Buffer.alloc(1)); // read
    fs.closeSync(file);
  },
  exec() {
    execSync(`sleep ${seconds}`); // exec
  },
  async microtasks() {
    const end = Date.now() + ms;
    while (Date.now() < end) await undefined; // microtasks
  },
  wait() {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms); // wait
  },
};

let kept;

function keep(value) {
  kept = value;
  return kept;
}

function over(end) {
  return Date.now() >= end;
}

function main() {
  void status('As it should be');
  watchdog.start({
    ...JSON.parse(options),
    onHang: (hang) => {
      console.log(JSON.stringify(hang));
      setTimeout(() => process.exit(), 100);
    },
  });
  // Not in its first turn, in which nothing is as usual.
  setTimeout(() => ways[way](), 200);
  // It ends by itself where nobody finds the hang, too.
  setTimeout(() => process.exit(3), 200 + 3 * ms + 2000);
}

// Test runners take it for a test.
if (way !== undefined) main();
