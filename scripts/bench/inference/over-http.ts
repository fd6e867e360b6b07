import { readFileSync } from 'node:fs';
import { indexPhoto, startStack } from '../../drills/observability/stack.ts';
import type { Contestant, Round } from './contestant.ts';
import { cpuMsOf } from './service.ts';

/** A whole installation with the default pack, called over HTTP: API, database, inference server. */
export interface Installation extends Contestant {
  round(passes: number): Promise<InstallationRound>;
}

export interface InstallationRound extends Round {
  /**
   * CPU time of the API's process, which also writes to the database, and of the inference server's main thread:
   * everything but inference and PostgreSQL.
   */
  apiAndTransportCpuMs: number;
}

export async function startInstallation(options: { photos: string[]; workers: number }): Promise<Installation> {
  const stack = await startStack({ inference: { INFERENCE_WORKERS: String(options.workers) } });
  const images = options.photos.map((path) => readFileSync(path));
  const [api, inference] = [stack.api.child.pid!, stack.inference[0]!.child.pid!];
  let indexed = 0;
  return {
    name: 'HTTP API, indexing',
    async round(passes) {
      const queue = Array.from({ length: passes }, () => images).flat();
      const latenciesMs: number[] = [];
      const [apiBefore, wholeBefore, mainBefore, began] = [
        cpuMsOf(api),
        cpuMsOf(inference),
        cpuMsOf(inference, inference),
        performance.now(),
      ];
      await Promise.all(
        Array.from({ length: 2 * options.workers }, async () => {
          for (let image = queue.shift(); image; image = queue.shift()) {
            const sent = performance.now();
            const status = await indexPhoto(stack.url, image, 'bench', String(indexed++));
            if (status !== 200) throw new Error(`the API answered ${status}`);
            latenciesMs.push(performance.now() - sent);
          }
        }),
      );
      const wallMs = performance.now() - began;
      const apiCpuMs = cpuMsOf(api) - apiBefore;
      return {
        photos: latenciesMs.length,
        faces: NaN,
        wallMs,
        cpuMs: apiCpuMs + cpuMsOf(inference) - wholeBefore,
        apiAndTransportCpuMs: apiCpuMs + cpuMsOf(inference, inference) - mainBefore,
        latenciesMs,
      };
    },
    [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose](),
  };
}
