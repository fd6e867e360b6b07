import { mkdtemp } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import os, { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMainThread, parentPort } from 'node:worker_threads';

/**
 * Preloaded into the threads of an inference server: while the file FACEPASS_TEST_WORKER_FAULT says "on start" or "on
 * photo", a worker ends when it is started or handed a photo; while it says "hold", a worker that is handed a photo
 * stands still; while it says "no priority", no worker may change its priority.
 */
if (!isMainThread && process.env['FACEPASS_TEST_WORKER_FAULT']) {
  if (fault().includes('on start')) process.exit(9);
  if (fault().includes('no priority')) {
    os.setPriority = () => {
      throw new Error('setPriority is not allowed');
    };
    syncBuiltinESMExports();
  }
  const never = new Int32Array(new SharedArrayBuffer(4));
  parentPort?.on('message', () => {
    if (fault().includes('on photo')) process.exit(9);
    while (fault().includes('hold')) Atomics.wait(never, 0, 0, 10);
  });
}

/** The path of a fault file that is not there yet, and the environment of a server that looks at it. */
export async function faultFile(): Promise<{ fault: string; environment: Record<string, string> }> {
  const fault = join(await mkdtemp(join(tmpdir(), 'facepass-')), 'fault');
  return {
    fault,
    environment: {
      NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --import ${import.meta.url}`,
      FACEPASS_TEST_WORKER_FAULT: fault,
    },
  };
}

function fault(): string {
  try {
    return readFileSync(process.env['FACEPASS_TEST_WORKER_FAULT'] ?? '', 'utf8');
  } catch {
    return '';
  }
}
