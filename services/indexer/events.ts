import type { Backlog } from '@facepass/indexing/db/jobs';
import { createFileGauges, createRegistry, type MetricsRegistry } from '@facepass/runtime/exposition';
import { collectDefaultMetrics, Counter, Gauge, Histogram } from 'prom-client';

export type Metrics = ReturnType<typeof createMetrics>;

/** How photos of jobs end; `deferred`: they wait for another attempt. */
export const OUTCOMES = ['indexed', 'without_face', 'failed', 'cancelled', 'deferred'] as const;

/** The metrics of one indexer, in a registry of their own. */
export function createMetrics() {
  const registry: MetricsRegistry = createRegistry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
  const photos = new Counter({
    name: 'facepass_job_photos_total',
    help: 'Photos of jobs that ended here, by how; deferred: they wait for another attempt.',
    labelNames: ['state'],
    registers,
  });
  for (const state of OUTCOMES) photos.inc({ state }, 0);
  return {
    registry,
    photos,
    seconds: new Histogram({
      name: 'facepass_job_photo_duration_seconds',
      help: 'Time to index one photo of a job, with its way from the bucket and its wait for an idle worker.',
      buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
      registers,
    }),
    underWork: gauge('facepass_indexer_photos_under_work', 'Photos that this indexer works on now.'),
    pending: gauge('facepass_job_photos_pending', 'Photos of all jobs that wait, as this indexer last saw them.'),
    oldest: gauge('facepass_job_oldest_pending_seconds', 'How long the oldest of them waits; 0 where none does.'),
    running: gauge('facepass_jobs_running', 'Jobs that have not ended.'),
    files: createFileGauges(registry),
  };
}

/** Records what waits in all jobs together. */
export function recordBacklog(metrics: Metrics, backlog: Backlog): void {
  metrics.pending.set(backlog.pending);
  metrics.oldest.set(backlog.oldest_seconds);
  metrics.running.set(backlog.running);
}
