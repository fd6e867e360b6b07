import { PHASES } from '@facepass/contracts/facepass';
import { RUNBOOKS, type Dashboard } from './dashboard.ts';
import { stat, stateTimeline, table, timeseries, type Panel } from './panels.ts';

const API = 'job="facepass-api",namespace=~"$namespace"';
const INFERENCE = 'job="facepass-inference",namespace=~"$namespace"';
const MIGRATION = 'job="facepass-migration",namespace=~"$namespace"';
/** Set by the operator, about the resource of this namespace. */
const RELEASE = 'namespace=~"$namespace"';
const REQUESTS = `rate(http_server_request_duration_seconds_count{${API},route=~"/api/.*"}[$__rate_interval])`;
const ERRORS = `rate(http_server_request_duration_seconds_count{${API},route=~"/api/.*",status=~"5.."}[$__rate_interval])`;

const gate = (result: string) => `facepass_operator_release_gate{${RELEASE},result="${result}"}`;

const COLOURS = { Stable: 'green', Retaining: 'green', Retiring: 'green', RollingBack: 'red' };

/** One line for each resource: the number of its phase, which the panel writes as the phase's name. */
const phaseNumber = PHASES.map((phase, index) => {
  const now = `facepass_operator_release_phase{${RELEASE},phase="${phase}"} == 1`;
  return `${index} * (${now})`;
}).join(' or ');

const course: Panel[] = [
  stateTimeline({
    title: 'Phase',
    description: 'What the operator is doing with each Facepass resource, one line per resource.',
    unit: 'short',
    width: 12,
    mappings: Object.fromEntries(
      PHASES.map((phase, index) => [index, { text: phase, color: COLOURS[phase as keyof typeof COLOURS] ?? 'blue' }]),
    ),
    queries: [{ expr: `max by (namespace, name) (${phaseNumber})`, legend: '{{namespace}}/{{name}}' }],
  }),
  timeseries({
    title: 'Weights, desired and observed',
    description:
      'The share of requests that each revision should get, and the share that its processes counted. They may ' +
      'differ for a minute after a step.',
    unit: 'percentunit',
    min: 0,
    max: 1,
    width: 12,
    queries: [
      {
        expr: `max by (namespace, revision) (facepass_operator_release_desired_weight_ratio{${RELEASE}})`,
        legend: '{{revision}} desired',
      },
      {
        expr: `sum by (namespace, revision) (${REQUESTS}) / on (namespace) group_left () sum by (namespace) (${REQUESTS})`,
        legend: '{{revision}} observed',
      },
    ],
    link: { title: 'Runbook', url: `${RUNBOOKS}/FacepassWeightMismatch.md` },
  }),
  timeseries({
    title: 'Time left for the step',
    description:
      'Time until the deadline of the current step; below zero the release is stuck. No line without a release ' +
      'in progress, or while it is paused.',
    unit: 's',
    thresholds: [
      [null, 'red'],
      [0, 'transparent'],
    ],
    queries: [
      {
        expr: `max by (namespace, name) (facepass_operator_release_step_deadline_timestamp_seconds{${RELEASE}}) - time()`,
        legend: '{{name}}',
      },
    ],
    link: { title: 'Runbook', url: `${RUNBOOKS}/FacepassReleaseStuck.md` },
  }),
  stateTimeline({
    title: 'Gates',
    description:
      'The result of each gate: pass, hold (no data, too few requests) or fail (the release is rolled ' + 'back).',
    unit: 'short',
    mappings: {
      1: { text: 'pass', color: 'green' },
      2: { text: 'hold', color: 'orange' },
      3: { text: 'fail', color: 'red' },
    },
    queries: [
      {
        expr: `max by (name, gate) (${gate('pass')} + ignoring (result) (2 * ${gate('hold')}) + ignoring (result) (3 * ${gate('fail')}))`,
        legend: '{{gate}}',
      },
    ],
    link: { title: 'Runbook', url: `${RUNBOOKS}/FacepassGateWithoutData.md` },
  }),
  timeseries({
    title: 'Gates, value and limit',
    description: 'The measured value and the limit of each gate.',
    unit: 'short',
    queries: [
      { expr: `max by (name, gate) (facepass_operator_release_gate_value{${RELEASE}})`, legend: '{{gate}}' },
      { expr: `max by (name, gate) (facepass_operator_release_gate_limit{${RELEASE}})`, legend: '{{gate}} limit' },
    ],
  }),
];

const revisions: Panel[] = [
  timeseries({
    title: 'Requests by revision',
    description:
      'Requests per second answered by the API processes of each revision. Outside blue-green mode there is one, ' +
      'without a name.',
    unit: 'reqps',
    stacked: true,
    min: 0,
    queries: [{ expr: `sum by (revision) (${REQUESTS})`, legend: 'revision {{revision}}' }],
  }),
  timeseries({
    title: 'Failures by revision',
    description: 'Share of each revision’s requests answered with 5xx. The gates compare both.',
    unit: 'percentunit',
    min: 0,
    queries: [
      { expr: `sum by (revision) (${ERRORS}) / sum by (revision) (${REQUESTS})`, legend: 'revision {{revision}}' },
    ],
  }),
  timeseries({
    title: 'Search duration by revision, 99th percentile',
    description:
      '99th percentile of answered and abandoned searches of each revision. The default gate compares the 95th ' +
      'percentile.',
    unit: 's',
    min: 0,
    queries: [
      {
        expr: `histogram_quantile(0.99, sum by (le, revision) (rate(facepass_search_duration_seconds_bucket{${API}}[$__rate_interval])))`,
        legend: 'revision {{revision}}',
      },
    ],
  }),
  timeseries({
    title: 'API processes by revision',
    description: 'API processes that Prometheus can scrape.',
    unit: 'short',
    min: 0,
    queries: [{ expr: `sum by (revision) (up{${API}})`, legend: 'revision {{revision}}' }],
  }),
  timeseries({
    title: 'Inference workers by revision',
    description: 'Workers with loaded models. A candidate has its full number before it gets requests.',
    unit: 'short',
    min: 0,
    queries: [
      { expr: `sum by (revision) (facepass_inference_workers_ready{${INFERENCE}})`, legend: 'revision {{revision}}' },
    ],
  }),
  timeseries({
    title: 'Photos by revision',
    description:
      'Photos per second processed by each revision: an API process calls only the inference of its own revision.',
    unit: 'reqps',
    min: 0,
    queries: [
      {
        expr: `sum by (revision) (rate(facepass_inference_requests_total{${INFERENCE}}[$__rate_interval]))`,
        legend: 'revision {{revision}}',
      },
    ],
  }),
];

const schema: Panel[] = [
  stat({
    title: 'Schema version',
    description: 'Version of the database schema, as last read by the API processes.',
    unit: 'short',
    queries: [{ expr: `max(facepass_schema_version{${API}})`, legend: 'version' }],
  }),
  stat({
    title: 'Processes that wait for a supported schema',
    description: 'API processes that do not support the schema. They get no requests.',
    unit: 'short',
    thresholds: [
      [null, 'green'],
      [1, 'red'],
    ],
    queries: [{ expr: `count(facepass_schema_fits{${API}}) - sum(facepass_schema_fits{${API}})`, legend: 'waiting' }],
    link: { title: 'Runbook', url: `${RUNBOOKS}/FacepassSchemaUnfit.md` },
  }),
  timeseries({
    title: 'Backfill',
    description:
      'Share of the rows that the current migration step has moved. Only while a migration runs and is scraped.',
    unit: 'percentunit',
    min: 0,
    max: 1,
    width: 12,
    queries: [
      {
        expr: `max by (pod, instance) (facepass_migration_rows_done{${MIGRATION}} / (facepass_migration_rows{${MIGRATION}} > 0))`,
        legend: '{{pod}} {{instance}}',
      },
    ],
  }),
  table({
    title: 'Migration in progress',
    description: 'The current step of a running migration.',
    unit: 'short',
    queries: [{ expr: `facepass_migration_step_info{${MIGRATION}} == 1`, legend: '{{step}}' }],
  }),
  timeseries({
    title: 'Steps of the migration',
    description: 'Finished steps and their total.',
    unit: 'short',
    min: 0,
    queries: [
      { expr: `max(facepass_migration_steps_done{${MIGRATION}})`, legend: 'done' },
      { expr: `max(facepass_migration_steps{${MIGRATION}})`, legend: 'of' },
    ],
  }),
  timeseries({
    title: 'Run time of the migration',
    description: 'How long the migration in progress has run; after half an hour an alert reports it as slow.',
    unit: 's',
    min: 0,
    thresholds: [
      [null, 'transparent'],
      [1800, 'orange'],
    ],
    queries: [{ expr: `time() - max(facepass_migration_start_time_seconds{${MIGRATION}})`, legend: 'run time' }],
    link: { title: 'Runbook', url: `${RUNBOOKS}/FacepassMigrationSlow.md` },
  }),
];

const OPERATOR = 'job="facepass-operator"';
const operator: Panel[] = [
  timeseries({
    title: 'Leader',
    description: 'Operator processes that hold the Lease: one, or briefly none.',
    unit: 'short',
    min: 0,
    queries: [{ expr: `sum(facepass_operator_leader{${OPERATOR}})`, legend: 'leaders' }],
    link: { title: 'Runbook', url: `${RUNBOOKS}/FacepassOperatorDown.md` },
  }),
  timeseries({
    title: 'Reconciliations',
    description: 'Reconciliations per second, by result.',
    unit: 'ops',
    min: 0,
    queries: [
      {
        expr: `sum by (result) (rate(facepass_operator_reconciles_total{${OPERATOR}}[$__rate_interval]))`,
        legend: '{{result}}',
      },
    ],
  }),
  timeseries({
    title: 'Age of the operator’s view',
    description: 'Time since each watch was last up to date.',
    unit: 's',
    min: 0,
    queries: [
      {
        expr: `time() - min by (pod, kind) (facepass_operator_watch_synced_timestamp_seconds{${OPERATOR}})`,
        legend: '{{kind}} {{pod}}',
      },
    ],
    link: { title: 'Runbook', url: `${RUNBOOKS}/FacepassOperatorWatchStale.md` },
  }),
];

export const release: Dashboard = {
  uid: 'facepass-release',
  title: 'Facepass / Release',
  description:
    'The progress of a release: weights and gates, both revisions, the schema and its migration, and the ' +
    'operator. Rows one and four need the operator.',
  rows: [
    { title: 'Progress of the release (operator)', panels: course },
    { title: 'Both revisions', panels: revisions },
    { title: 'Schema', panels: schema },
    { title: 'Operator', panels: operator },
  ],
};
