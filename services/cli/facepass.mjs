#!/usr/bin/env node
// The command `facepass`. Its TypeScript needs Node 24 from the npm package `node`; this file runs on any Node.
import { spawn } from 'node:child_process';
import module, { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

if (Number(process.versions.node.split('.')[0]) >= 24) {
  if (!process.env.NODE_V8_COVERAGE)
    module.enableCompileCache(join(here, '../../node_modules/.cache/facepass/compiled'));
  await import('./main.ts');
} else {
  const main = join(here, 'main.ts');
  const node = join(dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin/node');
  const child = spawn(node, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    console.error(
      `facepass needs Node 24 (${error.message}). Run ./scripts/start or ./scripts/test once to install it.`,
    );
    process.exit(1);
  });
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (signal ? constants.signals[signal] : 0)));
}
