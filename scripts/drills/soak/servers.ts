import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { FaceAnalysisDefinition } from '@facepass/contracts/inference';
import { createChannel, createClient } from 'nice-grpc';
import { startRedis, type RedisProcess } from '../../../services/api/tests/redis.ts';
import { samplePhoto } from '../../../services/inference/tests/photos.ts';
import { freePort } from '../../local/services.ts';
import { startService, type ServiceProcess } from '../observability/processes.ts';

/** Something that the service needs, or a process of the service, as the faults see it. */
export interface Server {
  name: string;
  /** Its process and those that this has begun. */
  pids(): number[];
  /** Ends it at once, as a lost node does. */
  kill(): Promise<void>;
  /** Starts it anew at the same address. */
  start(): Promise<void>;
  /** Takes what it has little of; what this returns gives it back. */
  fill(): Promise<() => Promise<void>>;
}

/** A process of the service; `process` is the one that runs now. */
export interface OwnServer extends Server, AsyncDisposable {
  port: number;
  process(): ServiceProcess;
}

/** Starts services/inference on a port that it keeps. */
export async function startInference(name: string): Promise<OwnServer> {
  const port = await freePort(0);
  const environment = { INFERENCE_LISTEN: `127.0.0.1:${port}`, INFERENCE_WORKERS: '1' };
  return keepService(name, port, () => startService('inference', environment), fillQueue);
}

/** Starts services/api on a port that it keeps. */
export async function startApi(name: string, environment: Record<string, string>): Promise<OwnServer> {
  const port = await freePort(0);
  return keepService(name, port, () => startService('api', { ...environment, PORT: `${port}` }), openConnections);
}

async function keepService(
  name: string,
  port: number,
  begin: () => Promise<ServiceProcess>,
  fill: (port: number) => Promise<() => Promise<void>>,
): Promise<OwnServer> {
  let running = await begin();
  return {
    name,
    port,
    process: () => running,
    pids: () => descendantsOf(running.child.pid!),
    kill: async () => running[Symbol.asyncDispose](),
    start: async () => void (running = await begin()),
    fill: () => fill(port),
    [Symbol.asyncDispose]: async () => running[Symbol.asyncDispose](),
  };
}

/** More photos at a time than an inference server lets wait, again and again. */
async function fillQueue(port: number): Promise<() => Promise<void>> {
  const channel = createChannel(`127.0.0.1:${port}`);
  const client = createClient(FaceAnalysisDefinition, channel);
  const image = await samplePhoto(6);
  const leave = new AbortController();
  const one = async () => {
    while (!leave.signal.aborted) await client.detectFaces({ image }, { signal: leave.signal }).catch(() => delay(20));
  };
  const calls = Promise.all(Array.from({ length: 24 }, one));
  return async () => {
    leave.abort();
    await calls;
    channel.close();
  };
}

/** Clients that begin a request and go no further. */
async function openConnections(port: number): Promise<() => Promise<void>> {
  const sockets = await Promise.all(
    Array.from({ length: 300 }, async () => {
      const socket = connect(port, '127.0.0.1').on('error', () => undefined);
      await Promise.race([once(socket, 'connect'), once(socket, 'close')]);
      socket.write(
        'POST /api/v1/search HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: 900000\r\n\r\n',
      );
      return socket;
    }),
  );
  return async () => {
    await Promise.all(
      sockets.map(async (socket) => {
        if (socket.closed) return;
        socket.destroy();
        await once(socket, 'close');
      }),
    );
  };
}

/** A real redis-server, in memory only. */
export async function startRedisServer(): Promise<Server & AsyncDisposable & { url: string }> {
  const redis: RedisProcess = await startRedis();
  return {
    name: 'redis',
    url: redis.url,
    pids: () => descendantsOf(redis.pid()),
    kill: () => redis.stop(),
    start: () => redis.restart(),
    fill: async () => {
      await redis.readOnly();
      return () => redis.writable();
    },
    [Symbol.asyncDispose]: () => redis[Symbol.asyncDispose](),
  };
}

/** A process and every one that it, or one of those, has begun. Linux only. */
export function descendantsOf(pid: number): number[] {
  const children = Map.groupBy(
    readdirSync('/proc').filter((name) => /^\d+$/.test(name)),
    parentOf,
  );
  const all = [pid];
  for (const one of all) all.push(...(children.get(one) ?? []).map(Number));
  return all;
}

function parentOf(pid: string): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return 0;
  }
}
