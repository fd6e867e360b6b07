import { existsSync, readFileSync } from 'node:fs';
import type { DetectFacesResponse } from '@facepass/contracts/inference';
import { connectFaceClient } from '../../../services/inference/tests/grpc-client.ts';
import { startInferenceProcess, type InferenceProcess } from '../../../services/inference/tests/inference-process.ts';
import type { Contestant, Round } from './contestant.ts';

/** The inference server, called over gRPC by this process. */
export interface Service extends Contestant {
  server: InferenceProcess;
  /** Works through all photos `passes` times with `concurrency` calls at a time. */
  round(passes: number, concurrency?: number): Promise<ServiceRound>;
}

export interface ServiceRound extends Round {
  /** CPU time of gRPC: all of this process, and the server's main thread, which does nothing else. */
  transportCpuMs: number;
  answers: DetectFacesResponse[];
}

/** Photos that may wait at the server. */
export const QUEUE_LIMIT = 16;

/** Starts a server of its own. @throws Error where there is no /proc, from which the CPU time of a process is read. */
export async function startService(options: {
  photos: string[];
  workers: number;
  environment: Record<string, string>;
}): Promise<Service> {
  requireProc();
  const server = await startInferenceProcess({
    INFERENCE_WORKERS: String(options.workers),
    INFERENCE_QUEUE_LIMIT: String(QUEUE_LIMIT),
    GRPC_MAX_CONNECTION_AGE_MS: '3600000',
    ...options.environment,
  });
  const client = connectFaceClient(server.address);
  const images = options.photos.map((path) => readFileSync(path));
  const pid = server.child.pid!;
  return {
    name: 'service',
    server,
    async round(passes, concurrency = 2 * options.workers) {
      const queue = Array.from({ length: passes }, () => images).flat();
      const latenciesMs: number[] = [];
      const answers: DetectFacesResponse[] = [];
      const [own, whole, main, began] = [process.cpuUsage(), cpuMsOf(pid), cpuMsOf(pid, pid), performance.now()];
      await Promise.all(
        Array.from({ length: concurrency }, async () => {
          for (let image = queue.shift(); image; image = queue.shift()) {
            const sent = performance.now();
            answers.push(await client.detectFaces(image));
            latenciesMs.push(performance.now() - sent);
          }
        }),
      );
      const wallMs = performance.now() - began;
      const { user, system } = process.cpuUsage(own);
      const clientMs = (user + system) / 1000;
      return {
        photos: answers.length,
        faces: answers.reduce((sum, { faces }) => sum + faces.length, 0),
        wallMs,
        cpuMs: cpuMsOf(pid) - whole + clientMs,
        transportCpuMs: cpuMsOf(pid, pid) - main + clientMs,
        latenciesMs,
        answers,
      };
    },
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** @throws Error on systems that do not tell in /proc what a process took. */
export function requireProc(): void {
  if (!existsSync('/proc/self/stat'))
    throw new Error(`This measures CPU time and memory by /proc, which only Linux has, not ${process.platform}.`);
}

/**
 * CPU time so far of a process, or of one thread of it, in milliseconds (proc(5): utime and stime, in ticks of 10 ms).
 */
export function cpuMsOf(pid: number, thread?: number): number {
  const stat = readFileSync(thread === undefined ? `/proc/${pid}/stat` : `/proc/${pid}/task/${thread}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
