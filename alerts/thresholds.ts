import type { PromtoolTest } from './promtool.ts';

/**
 * For each limit of the alerts a course just below it and one just above, in which nothing else decides. Beside
 * alerts/tests/, whose courses are those of real faults, where several limits are passed together.
 */
export function thresholdTests(): PromtoolTest[] {
  const burns = [
    burnTests('FacepassErrorBudgetBurn', 'request_errors', 0.001),
    burnTests('FacepassLatencyBudgetBurn', 'slow_searches', 0.01),
  ].flat();
  return [...burns, ...serviceTests(), ...releaseTests()];
}

type Series = Record<string, string>;
type Check = 'fires' | 'silent';

const REQUESTS = 'http_server_request_duration_seconds';

/** What `alert` does at the minutes given. */
function course(alert: string, series: Series, checks: Record<number, Check>): PromtoolTest {
  return {
    evaluation_interval: '1m',
    interval: '1m',
    input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
    promql_expr_test: Object.entries(checks).map(([minute, check]) => ({
      expr: `group(ALERTS{alertname="${alert}",alertstate="firing"}) or vector(0)`,
      eval_time: `${minute}m`,
      exp_samples: [{ labels: '{}', value: check === 'fires' ? 1 : 0 }],
    })),
  };
}

/**
 * Both pairs of windows of both alerts of a budget, of which `budget` is the share that may be bad; on recorded shares,
 * so that each is free.
 */
function burnTests(name: string, record: string, budget: number): PromtoolTest[] {
  const pairs = [
    { alert: `${name}Fast`, wait: 2, long: '1h', short: '5m', factor: 14.4 },
    { alert: `${name}Fast`, wait: 2, long: '6h', short: '30m', factor: 6 },
    { alert: `${name}Slow`, wait: 15, long: '1d', short: '2h', factor: 3 },
    { alert: `${name}Slow`, wait: 15, long: '3d', short: '6h', factor: 1 },
  ];
  return pairs.flatMap(({ alert, wait, long, short, factor }) => {
    const [below, above] = [factor * 0.99 * budget, factor * 1.01 * budget];
    const given = (ofLong: number, ofShort: number, bad: number, check: Check) =>
      course(
        alert,
        {
          [`facepass:${record}:ratio_rate${long}`]: `${ofLong}x30`,
          [`facepass:${record}:ratio_rate${short}`]: `${ofShort}x30`,
          [`facepass:${record}:increase${long}`]: `${bad}x30`,
        },
        { [wait - 1]: 'silent', [wait]: check },
      );
    return [
      given(above, above, 10, 'fires'),
      given(below, above, 10, 'silent'),
      given(above, below, 10, 'silent'),
      given(above, above, 9.9, 'silent'),
    ];
  });
}

/** The windows of the recorded shares in minutes. */
const WINDOWS = { '5m': 5, '30m': 30, '1h': 60, '2h': 120, '6h': 360, '1d': 1440, '3d': 4320 };
const STEP = 5;
const END = 80 * 60;

/**
 * What the recording rules of the objectives make of 80 hours in which each window has another share, beside calls that
 * do not count.
 */
export function recordTests(): PromtoolTest[] {
  const name = (kind: string, route: string, status: number | string, le?: string) =>
    `${REQUESTS}_${kind}{job="facepass-api",route="${route}",status="${status}"${le ? `,le="${le}"` : ''}}`;
  const [search, selfie] = ['/api/v1/search', '/api/v1/faces/search-session'];
  const even = `0+97x${END / STEP}`;
  const uneven = growing(badAt);
  const input_series = Object.entries({
    // 200 searches in each step, the bad ones slow: half as many of those whose client leaves as of the others. As many
    // calls again fail.
    [name('count', search, 200)]: growing(() => 100),
    [name('bucket', search, 200, '0.5')]: growing((age) => 100 - badAt(age)),
    [name('bucket', search, 200, '0.25')]: growing((age) => 50 - badAt(age) / 2),
    [name('count', selfie, 499)]: growing(() => 100),
    [name('bucket', selfie, 499, '0.5')]: growing((age) => 100 - badAt(age) / 2),
    [name('count', search, 503)]: uneven,
    [name('bucket', search, 503, '0.5')]: uneven,
    [name('count', '/docs', 503)]: even,
    [name('count', 'unmatched', 404)]: even,
    [name('count', '/api/v1/index', 200)]: even,
    [name('bucket', '/api/v1/index', 200, '0.5')]: '0x960',
    [name('count', '/api/v1/index', 500)]: even,
    [name('count', search, 400)]: even,
    [name('bucket', search, 400, '0.5')]: `0+31x${END / STEP}`,
  }).map(([series, values]) => ({ series, values }));
  const expected = Object.entries(WINDOWS).flatMap(([window, minutes]) => {
    const bad = steps(minutes).reduce((sum, age) => sum + badAt(age), 0);
    const calls = steps(minutes).length;
    return [
      [`request_errors:ratio_rate${window}`, (bad + calls * 97) / (bad + calls * (200 + 3 * 97))],
      [`slow_searches:ratio_rate${window}`, (1.5 * bad) / (calls * 200)],
      ...(['1h', '6h', '1d', '3d'].includes(window)
        ? [
            [`request_errors:increase${window}`, bad + calls * 97],
            [`slow_searches:increase${window}`, 1.5 * bad],
          ]
        : []),
    ] as [record: string, value: number][];
  });
  expected.push(
    ['requests:increase1h', 12 * (200 + 3 * 97) + steps(60).reduce((sum, age) => sum + badAt(age), 0)],
    ['searches:increase1h', 12 * 200],
  );
  const promql_expr_test = expected.map(([record, value]) => ({
    expr: `round(1e7 * facepass:${record})`,
    eval_time: `${END}m`,
    exp_samples: [{ labels: '{}', value: Math.round(1e7 * value) }],
  }));
  return [{ evaluation_interval: '4h', interval: `${STEP}m`, input_series, promql_expr_test }];
}

/** Bad calls in the step that ends so many minutes before the end: other ones in each window. */
function badAt(age: number): number {
  return 100 - 13 * Object.values(WINDOWS).filter((minutes) => age < minutes).length;
}

/** The steps of the last so many minutes, by their age. */
function steps(minutes: number): number[] {
  return Array.from({ length: minutes / STEP }, (_step, index) => index * STEP);
}

/** promtool's notation of a counter that grows so much in the step of each age. */
function growing(by: (age: number) => number): string {
  let value = 0;
  return [
    '0',
    ...steps(END)
      .toReversed()
      .map((age) => (value += by(age))),
  ].join(' ');
}

const DAY = 86_400;

function serviceTests(): PromtoolTest[] {
  const inference = (metric: string, instance: number, more = '') =>
    `facepass_inference_${metric}{job="facepass-inference",instance="${instance}"${more}}`;
  const up = { 'up{job="facepass-inference",instance="1"}': '1x60' };
  const queue = (depth: number) =>
    course(
      'FacepassInferenceSaturated',
      { ...up, [inference('queue_depth', 1)]: `${depth}x60`, [inference('queue_capacity', 1)]: '100x60' },
      { 50: depth > 80 ? 'fires' : 'silent' },
    );
  const refused = (share: number) =>
    course(
      'FacepassInferenceSaturated',
      {
        ...up,
        [inference('requests_total', 1, ',code="OK"')]: '0+1000x60',
        [inference('refused_total', 1, ',reason="queue_full"')]: `0+${share * 1000}x60`,
      },
      { 50: share > 0.1 ? 'fires' : 'silent' },
    );
  const busiest = (factor: number) => {
    const ready = { [inference('workers_ready', 1)]: '1x60', [inference('workers_ready', 2)]: '1x60' };
    const calls = {
      [inference('requests_total', 1, ',code="OK"')]: `0+${factor * 500}x60`,
      [inference('requests_total', 2, ',code="OK"')]: `0+${(2 - factor) * 500}x60`,
    };
    return course('FacepassInferenceImbalance', { ...ready, ...calls }, { 50: factor > 1.6 ? 'fires' : 'silent' });
  };
  const lost = (photos: number) => {
    const statuses = {
      'facepass_index_requests_total{job="facepass-api",status="200"}': '0x120',
      'facepass_index_requests_total{job="facepass-api",status="503"}': `0x59 0+1x${photos} ${photos}x60`,
    };
    return course('FacepassIndexingFails', statuses, { [60 + photos + 7]: photos >= 10 ? 'fires' : 'silent' });
  };
  const ofJobs = (state: string) => `facepass_job_photos_total{job="facepass-indexer",state="${state}"}`;
  const ofJobsFail = (percent: number) =>
    course(
      'FacepassJobPhotosFail',
      {
        [ofJobs('indexed')]: `0+${80 - percent}x60`,
        [ofJobs('without_face')]: '0+20x60',
        [ofJobs('failed')]: `0+${percent}x60`,
        [ofJobs('deferred')]: '0+500x60',
      },
      { 50: percent > 5 ? 'fires' : 'silent' },
    );
  const failedOfJobs = (photos: number) =>
    course(
      'FacepassJobPhotosFail',
      { [ofJobs('indexed')]: '0x120', [ofJobs('failed')]: `0x59 0+1x${photos} ${photos}x60` },
      { [60 + photos + 7]: photos >= 10 ? 'fires' : 'silent' },
    );
  const oldest = (seconds: number, ended: number) =>
    course(
      'FacepassJobsStuck',
      {
        'facepass_job_oldest_pending_seconds{job="facepass-indexer"}': `${seconds}x60`,
        [ofJobs('indexed')]: `0+${ended}x60`,
        [ofJobs('deferred')]: '0+5x60',
      },
      { 50: seconds > 1800 && ended === 0 ? 'fires' : 'silent' },
    );
  const waiting = (statements: number) =>
    course(
      'FacepassDatabasePoolExhausted',
      { 'facepass_db_connections_waiting{job="facepass-api",pod="a"}': `${statements}x20` },
      { 10: statements > 0 ? 'fires' : 'silent' },
    );
  const connectionFailures = (perMinute: number) =>
    course(
      'FacepassDatabaseConnectionsFail',
      { 'facepass_db_connection_failures_total{job="facepass-api",pod="a"}': `0+${perMinute}x30` },
      { 20: perMinute > 1 ? 'fires' : 'silent' },
    );
  const refusals = (count: number) =>
    course(
      'FacepassModelRefused',
      {
        'facepass_problems_total{job="facepass-api",code="model_mismatch"}': `0x19 ${count}x10`,
        'facepass_problems_total{job="facepass-api",code="no_face"}': '0+9x30',
      },
      { 25: count >= 5 ? 'fires' : 'silent' },
    );
  // A trial's sweeps of seconds are sweeps, too.
  const swept = course(
    'FacepassRetentionOverdue',
    {
      'facepass_retention_last_sweep_timestamp_seconds{job="facepass-api"}': '0x30',
      'facepass_retention_sweep_interval_seconds{job="facepass-api"}': '3x30',
    },
    { 29: 'fires' },
  );
  const expiring = (end: number) =>
    course(
      'FacepassCertificateExpires',
      { 'facepass_certificate_expiry_timestamp_seconds{job="facepass-api",certificate="server"}': `${end}x60` },
      { 30: end < 3 * DAY + 20 * 60 ? 'fires' : 'silent' },
    );
  const restarted = (times: number) =>
    course(
      'FacepassProcessRestarts',
      {
        'process_start_time_seconds{job="facepass-api",pod="a"}': `1x19 ${Array.from({ length: times }, (_, n) => n + 2).join(' ')} ${times + 1}x9`,
        'process_start_time_seconds{job="other",pod="b"}': '0+1x60',
      },
      { 27: times >= 5 ? 'fires' : 'silent' },
    );
  return [
    expiring(3 * DAY + 20 * 60 - 3),
    expiring(3 * DAY + 20 * 60),
    restarted(4),
    restarted(5),
    swept,
    queue(79),
    queue(81),
    refused(0.098),
    refused(0.102),
    busiest(1.58),
    busiest(1.62),
    ofJobsFail(4.9),
    ofJobsFail(5.1),
    failedOfJobs(9),
    failedOfJobs(10),
    oldest(1790, 0),
    oldest(1810, 0),
    oldest(1810, 0.1),
    lost(9),
    lost(10),
    waiting(0),
    waiting(1),
    connectionFailures(0.98),
    connectionFailures(1.04),
    refusals(4),
    refusals(5),
  ];
}

function releaseTests(): PromtoolTest[] {
  const share = (requests: number, observed: number, check: Check) => {
    const count = (revision: string, growth: number) => ({
      [`${REQUESTS}_count{job="facepass-api",revision="${revision}",route="/api/v1/search",status="200"}`]: `0+${growth / 2}x30`,
      [`${REQUESTS}_count{job="facepass-api",revision="${revision}",route="/api/v1/index",status="200"}`]: `0+${growth / 2}x30`,
    });
    const others = {
      [`${REQUESTS}_count{job="facepass-api",revision="green",route="/docs",status="200"}`]: '0+700x30',
      [`${REQUESTS}_count{job="facepass-api",route="/api/v1/search",status="200"}`]: '0+700x30',
    };
    const desired = (revision: string, weight: number) => ({
      [`facepass_operator_release_desired_weight_ratio{name="faces",revision="${revision}"}`]: `${weight}x30`,
    });
    return course(
      'FacepassWeightMismatch',
      {
        ...count('blue', requests * (1 - observed)),
        ...count('green', requests * observed),
        ...others,
        ...desired('blue', 0.5),
        ...desired('green', 0.5),
      },
      { 20: check },
    );
  };
  const late = course(
    'FacepassReleaseStuck',
    { 'facepass_operator_release_step_deadline_timestamp_seconds{name="faces"}': '597x30' },
    { 10: 'silent', 11: 'fires' },
  );
  const migrated = course(
    'FacepassMigrationFailed',
    {
      'facepass_migration_last_exit_code{job="facepass-api"}': '1x30',
      'facepass_operator_release_phase{name="faces",phase="Migrating"}': '1x30',
      'facepass_operator_release_phase{name="faces",phase="Stable"}': '0x30',
    },
    { 10: 'fires' },
  );
  const gate = (result: string, check: Check) =>
    course(
      'FacepassGateWithoutData',
      { [`facepass_operator_release_gate{name="faces",gate="errors",result="${result}"}`]: '1x30' },
      { 20: check },
    );
  const failing = (times: number) =>
    course(
      'FacepassOperatorFails',
      { 'facepass_operator_reconciles_total{job="facepass-operator",pod="a",result="failed"}': `0+${times / 5}x60` },
      { 30: times > 5 ? 'fires' : 'silent' },
    );
  return [
    failing(4.8),
    failing(5.2),
    late,
    migrated,
    share(1000, 0.455, 'silent'),
    share(1000, 0.445, 'fires'),
    share(148, 0.3, 'silent'),
    share(152, 0.3, 'fires'),
    gate('fail', 'silent'),
    gate('pass', 'silent'),
    gate('hold', 'fires'),
  ];
}
