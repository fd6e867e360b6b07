import { RUNBOOKS, type Dashboard } from './dashboard.ts';
import { stat, table, timeseries, type Panel } from './panels.ts';

const API = 'job="facepass-api",namespace=~"$namespace"';
/**
 * Each sample counts the hour before it, so the sums count each call as often as all others: their ratio is that of the
 * calls.
 */
const ofMonth = (record: string) => `sum(sum_over_time(facepass:${record}:increase1h{namespace=~"$namespace"}[30d]))`;
const FAILED = `${ofMonth('request_errors')} / ${ofMonth('requests')}`;
const SLOW = `${ofMonth('slow_searches')} / ${ofMonth('searches')}`;

const goodAbove = (objective: number): [number | null, string][] => [
  [null, 'red'],
  [objective, 'green'],
];
const BUDGET: [number | null, string][] = [
  [null, 'red'],
  [0, 'orange'],
  [0.25, 'green'],
];

const objectives: Panel[] = [
  stat({
    title: 'Answered, 30 days',
    description: 'Share of the calls to /api/ not answered with 5xx. The objective is 99.9 %.',
    unit: 'percentunit',
    decimals: 3,
    thresholds: goodAbove(0.999),
    queries: [{ expr: `1 - ${FAILED}`, legend: 'answered' }],
    link: { title: 'Runbook', url: `${RUNBOOKS}/FacepassErrorBudgetBurnFast.md` },
  }),
  stat({
    title: 'Error budget left',
    description: 'Remaining share of the failures allowed in 30 days, from -100 %; below 0 the objective is missed.',
    unit: 'percentunit',
    decimals: 1,
    min: -1,
    max: 1,
    thresholds: BUDGET,
    queries: [{ expr: `clamp_min(1 - ${FAILED} / 0.001, -1)`, legend: 'left' }],
  }),
  stat({
    title: 'Searches within 500 ms, 30 days',
    description: 'Share of answered and abandoned searches that took at most 500 ms. The objective is 99 %.',
    unit: 'percentunit',
    decimals: 2,
    thresholds: goodAbove(0.99),
    queries: [{ expr: `1 - ${SLOW}`, legend: 'fast' }],
    link: { title: 'Runbook', url: `${RUNBOOKS}/FacepassLatencyBudgetBurnFast.md` },
  }),
  stat({
    title: 'Latency budget left',
    description:
      'Remaining share of the slow searches allowed in 30 days, from -100 %; below 0 the objective is missed.',
    unit: 'percentunit',
    decimals: 1,
    min: -1,
    max: 1,
    thresholds: BUDGET,
    queries: [{ expr: `clamp_min(1 - ${SLOW} / 0.01, -1)`, legend: 'left' }],
  }),
  burnRate('Burn rate of the error budget', 'request_errors', 0.001),
  burnRate('Burn rate of the latency budget', 'slow_searches', 0.01),
  table({
    title: 'Firing alerts',
    description: 'All alerts of Facepass that are firing. Empty is good. The name links to the runbook.',
    unit: 'short',
    queries: [{ expr: 'ALERTS{alertname=~"Facepass.+",alertstate="firing"}', legend: '{{alertname}}' }],
    columnLinks: { alertname: { title: 'Runbook', url: `${RUNBOOKS}/\${__value.raw}.md` } },
    link: { title: 'Runbooks', url: RUNBOOKS },
  }),
];

function burnRate(title: string, record: string, budget: number): Panel {
  return timeseries({
    title,
    description:
      'How many times faster than allowed the budget is used, over three windows. At 1 it lasts 30 days; 14.4 ' +
      'over both one hour and five minutes pages.',
    unit: 'short',
    min: 0,
    thresholds: [
      [null, 'transparent'],
      [1, 'orange'],
      [14.4, 'red'],
    ],
    queries: ['5m', '1h', '6h'].map((window) => ({
      expr: `max(facepass:${record}:ratio_rate${window}{namespace=~"$namespace"}) / ${budget}`,
      legend: window,
    })),
  });
}

const requests: Panel[] = [
  timeseries({
    title: 'Requests',
    description: 'Requests per second by route. Unknown paths are counted together as `unmatched`.',
    unit: 'reqps',
    stacked: true,
    min: 0,
    queries: [
      {
        expr: `sum by (route) (rate(http_server_request_duration_seconds_count{${API}}[$__rate_interval]))`,
        legend: '{{route}}',
      },
    ],
  }),
  timeseries({
    title: 'Failures',
    description: 'Requests per second answered with 5xx. Problems by code shows why.',
    unit: 'reqps',
    min: 0,
    queries: [
      {
        expr: `sum by (route, status) (rate(http_server_request_duration_seconds_count{${API},status=~"5.."}[$__rate_interval]))`,
        legend: '{{route}} {{status}}',
      },
    ],
  }),
  timeseries({
    title: 'Rejected clients',
    description:
      'Requests per second rejected for their key or token (401, 403) or their rate (429). A revoked key shows as 401.',
    unit: 'reqps',
    min: 0,
    queries: [
      {
        expr: `sum by (status) (rate(http_server_request_duration_seconds_count{${API},status=~"401|403|429"}[$__rate_interval]))`,
        legend: '{{status}}',
      },
    ],
    link: { title: 'Runbook', url: `${RUNBOOKS}/FacepassRateLimitsApart.md` },
  }),
  timeseries({
    title: 'Problems by code',
    description:
      'Requests per second answered with a problem, by code; /docs/errors explains each. 4xx are errors of the ' +
      'client, 5xx of the service.',
    unit: 'reqps',
    min: 0,
    queries: [
      { expr: `sum by (code) (rate(facepass_problems_total{${API}}[$__rate_interval])) > 0`, legend: '{{code}}' },
    ],
  }),
  timeseries({
    title: 'Photos not indexed, by status and code',
    description:
      'Photos per second not indexed, including those of batches, by the status each would have alone; and ' +
      'photos that the bucket did not return, by code.',
    unit: 'reqps',
    min: 0,
    queries: [
      {
        expr: `sum by (status) (rate(facepass_index_requests_total{${API},status!="200"}[$__rate_interval]))`,
        legend: '{{status}}',
      },
      {
        expr: `sum by (code) (rate(facepass_problems_total{${API},code=~"s3_.+"}[$__rate_interval]))`,
        legend: '{{code}}',
      },
    ],
    link: { title: 'Runbook', url: `${RUNBOOKS}/FacepassIndexingFails.md` },
  }),
  durations(
    'Search duration',
    'Time of answered and abandoned searches, as the objective counts them: from the first byte of the request ' +
      'to the last of the response. Dots link to traces.',
    'facepass_search_duration_seconds',
    0.5,
  ),
  durations(
    'Index duration',
    'Time to index one photo, including photos of batches.',
    'facepass_index_duration_seconds',
  ),
  timeseries({
    title: 'Duration by route, 99th percentile',
    description: '99th percentile of the requests of each route.',
    unit: 's',
    min: 0,
    queries: [
      {
        expr: `histogram_quantile(0.99, sum by (le, route) (rate(http_server_request_duration_seconds_bucket{${API},route=~"/api/.*"}[$__rate_interval])))`,
        legend: '{{route}}',
        exemplar: true,
      },
    ],
  }),
  timeseries({
    title: 'Photos and faces',
    description: 'Photos indexed and searches per second, and stored faces.',
    unit: 'ops',
    min: 0,
    queries: [
      {
        expr: `sum(rate(facepass_index_requests_total{${API},status="200"}[$__rate_interval]))`,
        legend: 'photos indexed',
      },
      { expr: `sum(rate(facepass_search_requests_total{${API},status="200"}[$__rate_interval]))`, legend: 'searches' },
      { expr: `sum(rate(facepass_embeddings_total{${API}}[$__rate_interval]))`, legend: 'faces stored' },
    ],
  }),
];

function durations(title: string, description: string, histogram: string, limit?: number): Panel {
  return timeseries({
    title,
    description,
    unit: 's',
    min: 0,
    ...(limit === undefined
      ? {}
      : {
          thresholds: [
            [null, 'transparent'],
            [limit, 'red'],
          ] as [number | null, string][],
        }),
    queries: [0.5, 0.95, 0.99].map((quantile) => ({
      expr: `histogram_quantile(${quantile}, sum by (le) (rate(${histogram}_bucket{${API}}[$__rate_interval])))`,
      legend: `p${quantile * 100}`,
      exemplar: quantile === 0.99,
    })),
  });
}

const INDEXER = 'job="facepass-indexer",namespace=~"$namespace"';

const jobs: Panel[] = [
  timeseries({
    title: 'Photos of jobs',
    description: 'Photos of jobs finished per second, by result; `deferred` ones wait for another attempt.',
    unit: 'ops',
    min: 0,
    queries: [
      {
        expr: `sum by (state) (rate(facepass_job_photos_total{${INDEXER}}[$__rate_interval]))`,
        legend: '{{state}}',
      },
    ],
    link: { title: 'Runbook', url: `${RUNBOOKS}/FacepassJobPhotosFail.md` },
  }),
  timeseries({
    title: 'Waiting photos of jobs',
    description: 'Waiting photos of all jobs, and photos in progress in all indexers.',
    unit: 'short',
    min: 0,
    queries: [
      { expr: `max(facepass_job_photos_pending{${INDEXER}})`, legend: 'waiting' },
      { expr: `sum(facepass_indexer_photos_under_work{${INDEXER}})`, legend: 'under work' },
    ],
  }),
  timeseries({
    title: 'Oldest waiting photo of a job',
    description:
      'Wait of the oldest photo. A large job takes hours; it is a fault only if no photo finishes ' + 'meanwhile.',
    unit: 's',
    min: 0,
    queries: [{ expr: `max(facepass_job_oldest_pending_seconds{${INDEXER}})`, legend: 'oldest' }],
    link: { title: 'Runbook', url: `${RUNBOOKS}/FacepassJobsStuck.md` },
  }),
  timeseries({
    title: 'Jobs and indexers',
    description: 'Unfinished jobs, and indexers that Prometheus can scrape.',
    unit: 'short',
    min: 0,
    decimals: 0,
    queries: [
      { expr: `max(facepass_jobs_running{${INDEXER}})`, legend: 'jobs' },
      { expr: `sum(up{${INDEXER}})`, legend: 'indexers' },
    ],
    link: { title: 'Runbook', url: `${RUNBOOKS}/FacepassIndexerDown.md` },
  }),
];

const saturation: Panel[] = [
  timeseries({
    title: 'Ready API processes',
    description:
      'API processes that are ready for requests, per revision, and those that are not, by reason. Without a ' +
      'ready one nobody is served, and no failure is counted.',
    unit: 'short',
    min: 0,
    queries: [
      { expr: `sum by (revision) (facepass_ready{${API}})`, legend: 'ready {{revision}}' },
      { expr: `sum by (reason) (facepass_not_ready{${API}})`, legend: 'not ready: {{reason}}' },
    ],
    link: { title: 'Runbook', url: `${RUNBOOKS}/FacepassApiNotReady.md` },
  }),
  timeseries({
    title: 'Database connections',
    description: 'Connections in use, their maximum, and statements that wait for one: long waits delay every request.',
    unit: 'short',
    min: 0,
    queries: [
      { expr: `sum(facepass_db_connections_active{${API}})`, legend: 'in use' },
      { expr: `sum(facepass_db_connections_max{${API}})`, legend: 'at most' },
      { expr: `sum(facepass_db_connections_waiting{${API}})`, legend: 'statements that wait' },
    ],
    link: { title: 'Runbook', url: `${RUNBOOKS}/FacepassDatabasePoolExhausted.md` },
  }),
  timeseries({
    title: 'CPU of the API processes',
    description: 'Cores in use by each process. One process uses one core for JavaScript.',
    unit: 'short',
    min: 0,
    queries: [
      {
        expr: `sum by (pod, instance) (rate(process_cpu_seconds_total{${API}}[$__rate_interval]))`,
        legend: '{{pod}} {{instance}}',
      },
    ],
  }),
  timeseries({
    title: 'Memory of the API processes',
    description: 'Resident memory of each process.',
    unit: 'bytes',
    min: 0,
    queries: [{ expr: `process_resident_memory_bytes{${API}}`, legend: '{{pod}} {{instance}}' }],
  }),
  timeseries({
    title: 'Event loop delay, 99th percentile',
    description: 'How long ready work waits in a process: above 100 ms the process is blocked or has too little CPU.',
    unit: 's',
    min: 0,
    thresholds: [
      [null, 'transparent'],
      [0.1, 'red'],
    ],
    queries: [{ expr: `nodejs_eventloop_lag_p99_seconds{${API}}`, legend: '{{pod}} {{instance}}' }],
  }),
  timeseries({
    title: 'Failed database connections',
    description:
      'Failed attempts per second to get a connection, by process: none was free in time, or the database gave none.',
    unit: 'ops',
    min: 0,
    queries: [
      {
        expr: `sum by (pod, instance) (rate(facepass_db_connection_failures_total{${API}}[$__rate_interval]))`,
        legend: '{{pod}} {{instance}}',
      },
    ],
    link: { title: 'Runbook', url: `${RUNBOOKS}/FacepassDatabaseConnectionsFail.md` },
  }),
  timeseries({
    title: 'Container exits per hour, by reason',
    description:
      'Restarts of containers that last exited as OOMKilled or Error, from kube-state-metrics. OOMKilled: raise ' +
      'the memory limit, or use fewer workers.',
    unit: 'short',
    min: 0,
    decimals: 0,
    queries: [
      {
        expr: `sum by (namespace, pod, container, reason) (increase(kube_pod_container_status_restarts_total{namespace=~"$namespace",container=~"api|indexer|inference|migrator|operator"}[1h]) * on (namespace, pod, container) group_left (reason) (kube_pod_container_status_last_terminated_reason{namespace=~"$namespace"} == 1))`,
        legend: '{{pod}} {{container}} {{reason}}',
      },
    ],
    link: { title: 'Runbook', url: `${RUNBOOKS}/FacepassProcessRestarts.md` },
  }),
  timeseries({
    title: 'Starts per hour',
    description: 'How often each process started; a restart shows as a step.',
    unit: 'short',
    min: 0,
    decimals: 0,
    queries: [
      {
        expr: `sum by (job, pod, instance) (changes(process_start_time_seconds{job=~"facepass-.*",namespace=~"$namespace"}[1h]))`,
        legend: '{{job}} {{pod}} {{instance}}',
      },
    ],
  }),
  timeseries({
    title: 'Age of the last retention sweep',
    description: 'Time since no expired session was left, and the interval of the sweeps.',
    unit: 's',
    min: 0,
    queries: [
      { expr: `time() - max(facepass_retention_last_sweep_timestamp_seconds{${API}} > 0)`, legend: 'age' },
      { expr: `max(facepass_retention_sweep_interval_seconds{${API}})`, legend: 'interval' },
    ],
    link: { title: 'Runbook', url: `${RUNBOOKS}/FacepassRetentionOverdue.md` },
  }),
];

export const service: Dashboard = {
  uid: 'facepass-service',
  title: 'Facepass / Service',
  description:
    'What clients get: the objectives and their budgets, requests, failures and durations, jobs, and saturation.',
  rows: [
    { title: 'Objectives', panels: objectives },
    { title: 'Requests', panels: requests },
    { title: 'Jobs', panels: jobs },
    { title: 'Saturation', panels: saturation },
  ],
};
