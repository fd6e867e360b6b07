import { lstat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';

/**
 * Removes the socket file that a killed server left behind, since nobody can bind to a path that exists.
 * @param address `host:port` (nothing to do) or `unix:/path`.
 * @throws Error when a server still answers there, or the path is no socket.
 */
export async function clearStaleSocket(address: string): Promise<void> {
  if (!address.startsWith('unix:')) return;
  const path = address.slice('unix:'.length);
  const entry = await lstat(path).catch(() => null);
  if (!entry) return;
  if (!entry.isSocket()) throw new Error(`${path} exists and is no socket.`);
  if (await answers(path)) throw new Error(`Another server listens on ${path}.`);
  await unlink(path);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
