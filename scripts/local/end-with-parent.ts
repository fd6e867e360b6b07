import { Socket } from 'node:net';
import { isMainThread } from 'node:worker_threads';

/**
 * Preloaded (`node --import`) into a process whose file descriptor 3 is a pipe from its parent. It sends SIGTERM to the
 * process when the parent ends for any reason. Without it a killed starter leaves its services running.
 */
if (isMainThread) {
  const parent = new Socket({ fd: 3 });
  parent.on('error', () => undefined);
  parent.on('close', () => process.kill(process.pid, 'SIGTERM'));
  parent.resume().unref();
}
