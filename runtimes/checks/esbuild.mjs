// esbuild's own program: its package would start it in a process of its own all the same.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { run } from './check.mjs';

const program = join(process.cwd(), '../../npm/node_modules/@esbuild/linux-x64/bin/esbuild');

export async function build(parameters) {
  const { code, output } = await run(program, [...parameters, '--log-level=warning']);
  assert.equal(code, 0, output);
}
