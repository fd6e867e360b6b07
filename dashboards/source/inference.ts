import { RUNBOOKS, type Dashboard } from './dashboard.ts';
import { stat, table, timeseries, type Panel } from './panels.ts';

const INFERENCE = 'job="facepass-inference",namespace=~"$namespace"';
const AUTOSCALER = 'namespace=~"$namespace",horizontalpodautoscaler=~".+-inference(-[0-9a-f]{8})?"';

/** The revisions that should have traffic: an idle pair beside them says nothing about them. */
const SERVING = 'facepass:revision_weight:ratio{namespace=~"$namespace"}';
const byRevision = (metric: string) => `sum by (namespace, revision) (${metric}{${INFERENCE}})`;
const ofServing = (expr: string) => `(${expr}) and on (namespace, revision) ${SERVING}`;

const rate = (metric: string, labels = '') => `rate(${metric}{${INFERENCE}${labels}}[$__rate_interval])`;

const now: Panel[] = [
  stat({
    title: 'Workers ready',
    description:
      'Workers with loaded models, per revision that should have traffic. Without any, indexing and searching fail.',
    unit: 'short',
    thresholds: [
      [null, 'red'],
      [1, 'green'],
    ],
    queries: [
      {
        expr: ofServing(`${byRevision('facepass_inference_workers_ready')} or on (namespace, revision) 0 * ${SERVING}`),
        legend: 'ready {{revision}}',
      },
    ],
    link: { title: 'Runbook', url: `${RUNBOOKS}/FacepassInferenceDown.md` },
  }),
  stat({
    title: 'Workers busy',
    description:
      'Share of the ready workers that process a photo, per revision that should have traffic. Near 100 %, ' +
      'photos wait.',
    unit: 'percentunit',
    decimals: 0,
    thresholds: [
      [null, 'green'],
      [0.8, 'orange'],
      [0.95, 'red'],
    ],
    queries: [
      {
        expr: ofServing(
          `${byRevision('facepass_inference_in_flight')} / ${byRevision('facepass_inference_workers_ready')}`,
        ),
        legend: 'busy {{revision}}',
      },
    ],
  }),
  stat({
    title: 'Queue filled',
    description:
      'Waiting photos as a share of the queue limit, per revision that should have traffic. A full queue rejects ' +
      'calls.',
    unit: 'percentunit',
    decimals: 0,
    thresholds: [
      [null, 'green'],
      [0.5, 'orange'],
      [0.8, 'red'],
    ],
    queries: [
      {
        expr: ofServing(
          `${byRevision('facepass_inference_queue_depth')} / ${byRevision('facepass_inference_queue_capacity')}`,
        ),
        legend: 'filled {{revision}}',
      },
    ],
    link: { title: 'Runbook', url: `${RUNBOOKS}/FacepassInferenceSaturated.md` },
  }),
  stat({
    title: 'Model load time',
    description: 'Time of the slowest process to load and warm up its models; a new pod serves only after that.',
    unit: 's',
    queries: [{ expr: `max(facepass_inference_model_load_seconds{${INFERENCE}})`, legend: 'load time' }],
  }),
];

const work: Panel[] = [
  timeseries({
    title: 'Calls by result',
    description:
      'Calls per second by gRPC status. RESOURCE_EXHAUSTED: full. UNAVAILABLE: starting, stopping, or a worker ' +
      'died. INVALID_ARGUMENT: unusable image.',
    unit: 'reqps',
    stacked: true,
    min: 0,
    queries: [{ expr: `sum by (code) (${rate('facepass_inference_requests_total')})`, legend: '{{code}}' }],
  }),
  timeseries({
    title: 'Time per photo by stage',
    description: 'Mean time per photo in each stage, stacked: the total height is the time of a photo.',
    unit: 's',
    stacked: true,
    min: 0,
    queries: [
      {
        expr: `sum by (stage) (${rate('facepass_inference_stage_seconds_sum')}) / sum by (stage) (${rate('facepass_inference_stage_seconds_count')})`,
        legend: '{{stage}}',
      },
    ],
  }),
  timeseries({
    title: 'Stages, 99th percentile',
    description: '99th percentile of each stage. Dots link to traces.',
    unit: 's',
    min: 0,
    queries: [
      {
        expr: `histogram_quantile(0.99, sum by (le, stage) (${rate('facepass_inference_stage_seconds_bucket')}))`,
        legend: '{{stage}}',
        exemplar: true,
      },
    ],
  }),
  timeseries({
    title: 'Rejected and dropped',
    description:
      'Calls rejected before their photo was read, by reason, and photos dropped because the caller disconnected ' +
      'before any work.',
    unit: 'reqps',
    min: 0,
    queries: [
      { expr: `sum by (reason) (${rate('facepass_inference_refused_total')})`, legend: '{{reason}}' },
      { expr: `sum(${rate('facepass_inference_dropped_total')})`, legend: 'dropped' },
    ],
  }),
  timeseries({
    title: 'Faces',
    description: 'Faces found and embedded per second, and faces found but rejected, by reason.',
    unit: 'ops',
    min: 0,
    queries: [
      { expr: `sum(${rate('facepass_inference_faces_total')})`, legend: 'embedded' },
      { expr: `sum by (reason) (${rate('facepass_inference_rejected_faces_total')})`, legend: 'refused: {{reason}}' },
    ],
  }),
  timeseries({
    title: 'Faces per photo',
    description: 'Faces embedded per photo: median and 95th percentile of the photos with faces.',
    unit: 'short',
    min: 0,
    queries: [0.5, 0.95].map((quantile) => ({
      expr: `histogram_quantile(${quantile}, sum by (le) (${rate('facepass_inference_batch_size_bucket')}))`,
      legend: `p${quantile * 100}`,
    })),
  }),
];

const sideBySide: Panel[] = [
  eachProcess(
    'Photos by process',
    'Calls per second of each process; they should be about equal.',
    'reqps',
    `sum by (pod, instance) (${rate('facepass_inference_requests_total')}) or 0 * sum by (pod, instance) (facepass_inference_workers_ready{${INFERENCE}})`,
    'FacepassInferenceImbalance',
  ),
  eachProcess(
    'Queue by process',
    'Photos waiting in each process.',
    'short',
    `facepass_inference_queue_depth{${INFERENCE}}`,
  ),
  eachProcess(
    'Busy workers by process',
    'Photos in progress in each process; at most its number of workers.',
    'short',
    `facepass_inference_in_flight{${INFERENCE}}`,
  ),
  eachProcess(
    'CPU by process',
    'Cores in use by each process: a busy worker uses one.',
    'short',
    `sum by (pod, instance) (${rate('process_cpu_seconds_total')})`,
  ),
  eachProcess(
    'Memory by process',
    'Resident memory of each process, including models and images.',
    'bytes',
    `process_resident_memory_bytes{${INFERENCE}}`,
  ),
  eachProcess(
    'Workers replaced',
    'Workers that died or took too long, within an hour.',
    'short',
    `increase(facepass_inference_worker_restarts_total{${INFERENCE}}[1h])`,
  ),
];

function eachProcess(title: string, description: string, unit: string, expr: string, runbook?: string): Panel {
  return timeseries({
    title,
    description,
    unit,
    min: 0,
    queries: [{ expr, legend: '{{pod}} {{instance}}' }],
    ...(runbook ? { link: { title: 'Runbook', url: `${RUNBOOKS}/${runbook}.md` } } : {}),
  });
}

const capacity: Panel[] = [
  timeseries({
    title: 'Autoscaler',
    description:
      'Running pods, desired pods, and the limits of the autoscaler. Needs kube-state-metrics; empty without an ' +
      'autoscaler.',
    unit: 'short',
    min: 0,
    width: 12,
    queries: [
      { expr: `sum(kube_horizontalpodautoscaler_status_current_replicas{${AUTOSCALER}})`, legend: 'running' },
      { expr: `sum(kube_horizontalpodautoscaler_status_desired_replicas{${AUTOSCALER}})`, legend: 'desired' },
      { expr: `sum(kube_horizontalpodautoscaler_spec_min_replicas{${AUTOSCALER}})`, legend: 'at least' },
      { expr: `sum(kube_horizontalpodautoscaler_spec_max_replicas{${AUTOSCALER}})`, legend: 'at most' },
    ],
  }),
  table({
    title: 'Models',
    description: 'The model loaded in each process. All must be equal, and equal to the API’s.',
    unit: 'short',
    width: 12,
    queries: [{ expr: `facepass_inference_model_info{${INFERENCE}}`, legend: '{{model_id}}' }],
    link: { title: 'Runbook', url: `${RUNBOOKS}/FacepassModelRefused.md` },
  }),
];

export const inference: Dashboard = {
  uid: 'facepass-inference',
  title: 'Facepass / Inference',
  description:
    'The processes that find and embed faces: their work, the time per stage, their load, and a comparison of ' +
    'processes.',
  rows: [
    { title: 'Now', panels: now },
    { title: 'Work', panels: work },
    { title: 'Comparison of processes', panels: sideBySide },
    { title: 'Capacity', panels: capacity },
  ],
};
