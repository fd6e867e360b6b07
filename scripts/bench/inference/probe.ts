import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { status, type ServiceError } from '@grpc/grpc-js';
import { connectFaceClient } from '../../../services/inference/tests/grpc-client.ts';

/** Latencies in milliseconds, as this process saw them. */
export interface ProbeReport {
  healthMs: number[];
  /** Of calls with a photo that were refused, since every place was taken. */
  refusalMs: number[];
  /** Calls that met a free place: they say nothing about refusals. */
  admitted: number;
  /** How late the timers of this process were: where this is much, the latencies are the probe's own. */
  ownDelayP99Ms: number;
}

const HEALTH_EVERY_MS = 10;
const PHOTO_EVERY_MS = 20;
const RESOLUTION_MS = 1;

/**
 * Asks a server (first argument) for its health and to take a photo (second argument), each on a connection of its own,
 * until it is told to stop; then sends its report.
 */
async function probe(address: string, photo: Uint8Array): Promise<ProbeReport> {
  const report: ProbeReport = { healthMs: [], refusalMs: [], admitted: 0, ownDelayP99Ms: 0 };
  using health = connectFaceClient(address);
  using photos = connectFaceClient(address);
  let stopped = false;
  process.once('message', () => (stopped = true));
  await Promise.all([health.checkHealth(), photos.checkHealth()]);
  process.send!('ready');
  const ownDelay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  ownDelay.enable();
  const underWay: Promise<void>[] = [];
  const askHealth = async () => {
    for (; !stopped; await delay(HEALTH_EVERY_MS)) {
      const began = performance.now();
      await health.checkHealth();
      report.healthMs.push(performance.now() - began);
    }
  };
  const sendPhotos = async () => {
    for (; !stopped; await delay(PHOTO_EVERY_MS)) underWay.push(sendPhoto(performance.now()));
  };
  const sendPhoto = async (began: number) => {
    try {
      await photos.detectFaces(photo);
      report.admitted += 1;
    } catch (error) {
      if ((error as ServiceError).code !== status.RESOURCE_EXHAUSTED) throw error;
      report.refusalMs.push(performance.now() - began);
    }
  };
  await Promise.all([askHealth(), sendPhotos()]);
  ownDelay.disable();
  await Promise.all(underWay);
  return { ...report, ownDelayP99Ms: ownDelay.percentile(99) / 1e6 - RESOLUTION_MS };
}

if (import.meta.main) {
  process.send!(await probe(process.argv[2]!, readFileSync(process.argv[3]!)));
  process.exit(0);
}
