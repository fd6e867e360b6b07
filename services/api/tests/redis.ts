import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';

/** Whether a redis-server is installed here. */
export function hasRedis(): boolean {
  return spawnSync('redis-server', ['--version']).status === 0;
}

export interface RedisProcess extends AsyncDisposable {
  url: string;
  pid(): number;
  stop(): Promise<void>;
  restart(): Promise<void>;
  hang(): Promise<void>;
  wake(): Promise<void>;
  readOnly(): Promise<void>;
  writable(): Promise<void>;
  /** Asks every new connection for a password; those that are open go on. */
  requirePassword(password: string): Promise<void>;
  /** Ends every connection. */
  cutOff(): Promise<void>;
}

/** A real redis-server on a free port, in memory only. */
export async function startRedis(): Promise<RedisProcess> {
  const port = await freePort();
  let child = await spawnRedis(port);
  let password = '';
  const command = async (...words: string[]) =>
    assert.equal(spawnSync('redis-cli', ['-p', `${port}`, ...(password ? ['-a', password] : []), ...words]).status, 0);
  const stop = async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    pid: () => child.pid!,
    stop,
    restart: async () => void (child = await spawnRedis(port)),
    hang: async () => void child.kill('SIGSTOP'),
    wake: async () => void child.kill('SIGCONT'),
    readOnly: () => command('replicaof', '127.0.0.1', '1'),
    writable: () => command('replicaof', 'no', 'one'),
    async requirePassword(next) {
      await command('config', 'set', 'requirepass', next);
      password = next;
    },
    cutOff: () => command('client', 'kill', 'type', 'normal'),
    [Symbol.asyncDispose]: stop,
  };
}

async function spawnRedis(port: number): Promise<ChildProcess> {
  const child = spawn(
    'redis-server',
    ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const lines = createInterface(child.stdout!);
  await new Promise<void>((resolve) =>
    lines.on('line', (line) => line.includes('Ready to accept connections') && resolve()),
  );
  return child;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
