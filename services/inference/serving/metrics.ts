import { createFileGauges, createRegistry, exemplarLabels, type MetricsRegistry } from '@facepass/runtime/exposition';
import { collectDefaultMetrics, Counter, Gauge, Histogram } from 'prom-client';
import type { FoundFaces } from '../seeing/faces.ts';
import { REJECT_REASONS } from '../seeing/quality.ts';

export type InferenceEvents = ReturnType<typeof createEvents>;

/** Why a call was refused before its photo was read. */
export const REFUSALS = ['queue_full', 'deadline_too_short', 'not_serving', 'yielded'] as const;
export type RefusalReason = (typeof REFUSALS)[number];

/**
 * What happens in the inference server, one function per event, counted in a registry of its own. Every label has a
 * closed set of values.
 * @param load what the gauges show at the moment of a scrape.
 */
export function createEvents(load: {
  queueCapacity: number;
  queueDepth(): number;
  inFlight(): number;
  workersReady(): number;
}) {
  const registry = createRegistry();
  collectDefaultMetrics({ register: registry });
  const metrics = createMetrics(registry, load);
  return {
    registry,
    files: createFileGauges(registry),
    modelLoaded(model: { modelId: string; pack: string; provider: string }, seconds: number): void {
      metrics.modelInfo.set({ model_id: model.modelId, pack: model.pack, provider: model.provider }, 1);
      metrics.modelLoadSeconds.set(seconds);
    },
    workerReplaced(): void {
      metrics.workerRestarts.inc();
    },
    callRefused(reason: RefusalReason): void {
      metrics.refused.inc({ reason });
    },
    /** @param code gRPC status by name. */
    callEnded(code: string): void {
      metrics.requests.inc({ code });
    },
    /** A caller left, or its time ran out, before a worker began with the photo. */
    photoDropped(): void {
      metrics.dropped.inc();
    },
    workBegan(queueMs: number): void {
      metrics.stageSeconds.observe({ labels: { stage: 'queue' }, value: queueMs / 1000 });
    },
    photoAnalysed(found: FoundFaces): void {
      const { decodeMs, detectMs, alignMs, embedMs } = found.timings;
      for (const [stage, ms] of Object.entries({ decode: decodeMs, detect: detectMs, align: alignMs, embed: embedMs }))
        metrics.stageSeconds.observe({ labels: { stage }, value: ms / 1000, exemplarLabels: exemplarLabels() });
      if (found.faces.length > 0) metrics.batchSize.observe(found.faces.length);
      metrics.faces.inc(found.faces.length);
      for (const { reason } of found.rejected) metrics.rejectedFaces.inc({ reason });
    },
  };
}

function createMetrics(registry: MetricsRegistry, load: Parameters<typeof createEvents>[0]) {
  const registers = [registry];
  new Gauge({
    name: 'facepass_inference_queue_capacity',
    help: 'Maximum number of photos that wait for a worker.',
    registers,
  }).set(load.queueCapacity);
  scrapedGauge('facepass_inference_queue_depth', 'Photos that wait for a worker.', load.queueDepth, registers);
  scrapedGauge('facepass_inference_in_flight', 'Photos being processed by workers.', load.inFlight, registers);
  scrapedGauge('facepass_inference_workers_ready', 'Workers with their models loaded.', load.workersReady, registers);
  const refused = new Counter({
    name: 'facepass_inference_refused_total',
    help: 'Calls rejected before their photo was read.',
    labelNames: ['reason'],
    registers,
  });
  for (const reason of REFUSALS) refused.inc({ reason }, 0);
  const rejectedFaces = new Counter({
    name: 'facepass_inference_rejected_faces_total',
    help: 'Faces found but rejected.',
    labelNames: ['reason'],
    registers,
  });
  for (const reason of REJECT_REASONS) rejectedFaces.inc({ reason }, 0);
  const requests = new Counter({
    name: 'facepass_inference_requests_total',
    help: 'DetectFaces calls by gRPC status.',
    labelNames: ['code'],
    registers,
  });
  // A process that gets no call would have no series, and a comparison of the processes would leave out the one it is
  // about.
  requests.inc({ code: 'OK' }, 0);
  return {
    refused,
    requests,
    modelInfo: new Gauge({
      name: 'facepass_inference_model_info',
      help: 'The loaded model and the first configured execution provider; always 1.',
      labelNames: ['model_id', 'pack', 'provider'],
      registers,
    }),
    modelLoadSeconds: new Gauge({
      name: 'facepass_inference_model_load_seconds',
      help: 'Time for the last worker to load and warm up its models.',
      registers,
    }),
    workerRestarts: new Counter({
      name: 'facepass_inference_worker_restarts_total',
      help: 'Workers replaced after they died or took too long.',
      registers,
    }),
    dropped: new Counter({
      name: 'facepass_inference_dropped_total',
      help: 'Photos dropped before any work on them, because the caller disconnected or the deadline passed.',
      registers,
    }),
    batchSize: new Histogram({
      name: 'facepass_inference_batch_size',
      help: 'Faces embedded per photo; one run of the network takes at most 8.',
      buckets: [1, 2, 4, 8, 16, 32, 64, 128],
      registers,
    }),
    stageSeconds: new Histogram({
      name: 'facepass_inference_stage_seconds',
      help: 'Time of one photo in a stage: queue, decode, detect, align, embed.',
      labelNames: ['stage'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
      enableExemplars: true,
    }),
    faces: new Counter({ name: 'facepass_inference_faces_total', help: 'Faces found and embedded.', registers }),
    rejectedFaces,
  };
}

function scrapedGauge(name: string, help: string, read: () => number, registers: MetricsRegistry[]): void {
  new Gauge({
    name,
    help,
    registers,
    collect() {
      this.set(read());
    },
  });
}
