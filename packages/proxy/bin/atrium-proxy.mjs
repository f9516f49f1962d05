#!/usr/bin/env node
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const MINIMUM = [24, 15];
const [major, minor] = process.versions.node.split('.').map(Number);
const fileOf = (path) => fileURLToPath(new URL(path, import.meta.url));

if (major < MINIMUM[0] || (major === MINIMUM[0] && minor < MINIMUM[1])) {
  process.stderr.write(`atrium-proxy needs Node ${MINIMUM.join('.')} or newer; this is ${process.versions.node}.\n`);
  process.exitCode = 1;
} else {
  // A clone has sources, which need a condition; and the proxy has options of Node, which are given when it starts.
  const cloned = existsSync(fileOf('../src/cli/main.ts'));
  const { NODE_OPTIONS } = await import(cloned ? '../src/node-options.ts' : '../dist/node-options.js');
  const main = cloned ? ['--conditions=atrium-source', fileOf('../src/cli/main.ts')] : [fileOf('../dist/cli/main.js')];
  const args = [...process.execArgv, ...NODE_OPTIONS, ...main, ...process.argv.slice(2)];
  // In the place of this process, so that whoever started it has one child, and its signals arrive.
  if (process.execve && process.platform !== 'win32') process.execve(process.execPath, [process.execPath, ...args]);
  const child = spawn(process.execPath, args, { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? (signal ? 1 : 0);
  });
}
