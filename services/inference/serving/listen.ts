import { lstat, unlink } from 'node:fs/promises';
import { connect, createServer } from 'node:net';

/** `address`, or that of all IPv4 addresses where it means all and the kernel has no IPv6. */
export async function withinKernel(address: string): Promise<string> {
  if (!address.startsWith('[::]:')) return address;
  const probe = createServer();
  const hasIpv6 = await new Promise<boolean>((resolve) => {
    probe.once('error', ({ code }: NodeJS.ErrnoException) =>
      resolve(code !== 'EAFNOSUPPORT' && code !== 'EADDRNOTAVAIL'),
    );
    probe.listen(0, '::', () => resolve(true));
  });
  probe.close();
  return hasIpv6 ? address : address.replace('[::]', '0.0.0.0');
}

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
  if (!entry.isSocket()) throw new Error(`${path} exists and is not a socket.`);
  if (await answers(path)) throw new Error(`Another server is listening on ${path}.`);
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
