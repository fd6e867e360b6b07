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
      'Worker threads with their models loaded, of each revision that should have traffic. None: nothing can be indexed or searched.',
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
      'Share of the ready workers that have a photo, in each revision that should have traffic. Near 100 % photos wait.',
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
      'Photos that wait, as a share of those that may, in each revision that should have traffic. A full queue refuses.',
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
    description: 'How long the slowest process took to load and warm up its models: a new pod serves no sooner.',
    unit: 's',
    queries: [{ expr: `max(facepass_inference_model_load_seconds{${INFERENCE}})`, legend: 'load time' }],
  }),
];

const work: Panel[] = [
  timeseries({
    title: 'Calls by result',
    description:
      'Calls a second by gRPC status. RESOURCE_EXHAUSTED: full. UNAVAILABLE: starting, stopping, or a worker died. INVALID_ARGUMENT: the picture’s fault.',
    unit: 'reqps',
    stacked: true,
    min: 0,
    queries: [{ expr: `sum by (code) (${rate('facepass_inference_requests_total')})`, legend: '{{code}}' }],
  }),
  timeseries({
    title: 'Time of a photo by stage',
    description: 'Mean time of a photo in each stage, one upon another: the whole height is what a photo takes.',
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
    description: 'The slowest of a hundred photos in each stage. Dots lead to traces.',
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
    title: 'Refused and dropped',
    description:
      'Calls refused before their photo was read, by reason, and photos whose caller had left before any work on them.',
    unit: 'reqps',
    min: 0,
    queries: [
      { expr: `sum by (reason) (${rate('facepass_inference_refused_total')})`, legend: '{{reason}}' },
      { expr: `sum(${rate('facepass_inference_dropped_total')})`, legend: 'dropped' },
    ],
  }),
  timeseries({
    title: 'Faces',
    description: 'Faces found and embedded a second, and faces seen but refused, by reason.',
    unit: 'ops',
    min: 0,
    queries: [
      { expr: `sum(${rate('facepass_inference_faces_total')})`, legend: 'embedded' },
      { expr: `sum by (reason) (${rate('facepass_inference_rejected_faces_total')})`, legend: 'refused: {{reason}}' },
    ],
  }),
  timeseries({
    title: 'Faces of a photo',
    description: 'Faces embedded of one photo: median and 95th percentile of the photos that have any.',
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
    'Calls a second of each process. They should be about the same.',
    'reqps',
    `sum by (pod, instance) (${rate('facepass_inference_requests_total')}) or 0 * sum by (pod, instance) (facepass_inference_workers_ready{${INFERENCE}})`,
    'FacepassInferenceImbalance',
  ),
  eachProcess(
    'Queue by process',
    'Photos that wait in each process.',
    'short',
    `facepass_inference_queue_depth{${INFERENCE}}`,
  ),
  eachProcess(
    'Busy workers by process',
    'Photos under work in each process; at most its number of workers.',
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
    'Resident memory of each process, models and pictures included.',
    'bytes',
    `process_resident_memory_bytes{${INFERENCE}}`,
  ),
  eachProcess(
    'Workers replaced',
    'Worker threads that died or took too long, within an hour.',
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
      'Pods that run, that the autoscaler wants, and its bounds. Needs kube-state-metrics; empty without an autoscaler.',
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
    description: 'The model that each process has loaded. All must be the same, and the API’s.',
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
    'The processes that find and embed faces: what they do, where the time goes, how full they are, and each beside the others.',
  rows: [
    { title: 'Now', panels: now },
    { title: 'Work', panels: work },
    { title: 'Processes side by side', panels: sideBySide },
    { title: 'Capacity', panels: capacity },
  ],
};
