import { readFileSync } from 'node:fs';
import { isMainThread, parentPort } from 'node:worker_threads';

/**
 * Preloaded into the threads of an inference server: a worker ends when it is started, or handed a photo, while the file
 * FACEPASS_TEST_WORKER_FAULT says "on start" or "on photo".
 */
if (!isMainThread) {
  if (fault().includes('on start')) process.exit(9);
  parentPort?.on('message', () => {
    if (fault().includes('on photo')) process.exit(9);
  });
}

function fault(): string {
  try {
    return readFileSync(process.env['FACEPASS_TEST_WORKER_FAULT'] ?? '', 'utf8');
  } catch {
    return '';
  }
}
