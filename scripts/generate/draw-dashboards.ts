import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { drawDashboard, type DrawnPanel } from './picture.ts';
import { freePort } from '../local/services.ts';
import { watchRelease } from '../drills/observability/release.ts';
import { startPrometheus, type Prometheus, type Target } from '../drills/observability/prometheus.ts';
import { indexPhoto, samplePhoto, searchFaces, startStack, type Stack } from '../drills/observability/stack.ts';

/**
 * Draws docs/images/dashboards/*.svg from what a real Prometheus answers to the panels' queries.
 *
 *   FACEPASS_TEST_DATABASE_URL=… node scripts/generate/draw-dashboards.ts [--seconds 240]
 *     Service and Inference: an installation of processes under load, whose inference process is killed in the middle
 *   node scripts/generate/draw-dashboards.ts --cluster
 *     Release: two releases under load on a cluster, a good one and one that a gate refuses; needs what npm run test:operator needs
 */
const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '240' }, cluster: { type: 'boolean', default: false } },
});
const root = join(import.meta.dirname, '../..');
mkdirSync(join(root, 'docs/images/dashboards'), { recursive: true });
await (values.cluster ? drawCluster() : drawProcesses(Number(values.seconds)));
process.exit(0);

async function drawCluster(): Promise<void> {
  await using watched = await watchRelease(console.log);
  await draw(watched, watched.startSeconds, 'release');
}

async function drawProcesses(seconds: number): Promise<void> {
  await using stack = await startStack({
    api: { RETENTION_SWEEP_MINUTES: '0.2' },
    inferenceListen: `127.0.0.1:${await freePort(0)}`,
  });
  await using prometheus = await startPrometheus(10);
  await prometheus.setTargets(targets(stack));
  const start = Date.now() / 1000;
  const stop = new AbortController();
  const load = Promise.all([keepSearching(stack, stop.signal), keepIndexing(stack, stop.signal)]);
  await delay(seconds * 400);
  stack.inference[0]!.child.kill('SIGKILL');
  await delay(seconds * 200);
  await stack.startInference();
  await prometheus.setTargets(targets(stack));
  await delay(seconds * 400);
  for (const name of ['service', 'inference']) await draw(prometheus, start, name);
  stop.abort();
  await load;
}

/** Where the answers to the panels come from. */
type Source = Pick<Prometheus, 'queryRange'>;

async function draw(source: Source, start: number, name: string): Promise<void> {
  const { title, panels } = JSON.parse(readFileSync(join(root, `dashboards/${name}.json`), 'utf8')) as {
    title: string;
    panels: GrafanaPanel[];
  };
  const drawn: DrawnPanel[] = [];
  for (const panel of panels) {
    const expressions = (panel.targets ?? []).map(({ expr }) => expr);
    drawn.push({
      ...panel,
      unit: panel.fieldConfig?.defaults.unit ?? 'short',
      series: (
        await Promise.all((panel.targets ?? []).map((target) => seriesOf(source, start, target, panel.type)))
      ).flat(),
      empty: expressions.some((expr) => /kube_/.test(expr)) ? 'needs kube-state-metrics' : 'nothing in this run',
    });
  }
  writeFileSync(join(root, 'docs/images/dashboards', `${name}.svg`), drawDashboard(title, drawn));
}

async function seriesOf(
  source: Source,
  start: number,
  { expr, legendFormat }: { expr: string; legendFormat: string },
  type: string,
): Promise<DrawnPanel['series']> {
  const query = expr.replaceAll('$__rate_interval', '10s').replaceAll('$namespace', '.*');
  const end = Date.now() / 1000;
  // A table shows what is there at the end.
  const found = await source.queryRange(query, type === 'table' ? end : start, end, 2);
  return found.map(({ metric, values: points }) => ({
    legend: legendFormat.replaceAll(/\{\{(\w+)\}\}/g, (_whole, label: string) => metric[label] ?? '').trim(),
    values: points,
  }));
}

function targets({ api, inference }: Stack): Target[] {
  return [
    { job: 'facepass-api', port: api.metricsPort, labels: { pod: 'api-1' } },
    ...inference.slice(-1).map(({ metricsPort }): Target => ({
      job: 'facepass-inference',
      port: metricsPort,
      labels: { pod: `inference-${inference.length}` },
    })),
  ];
}

async function keepSearching({ url }: Stack, signal: AbortSignal): Promise<void> {
  const photo = await samplePhoto(1);
  for (let round = 0; !signal.aborted; round += 1) {
    await searchFaces(url, photo, round % 20 === 19 ? 'nobody' : 'party').catch(() => undefined);
    await delay(150);
  }
}

async function keepIndexing({ url }: Stack, signal: AbortSignal): Promise<void> {
  const photos = await Promise.all([1, 2, 3].map(samplePhoto));
  for (let round = 0; !signal.aborted; round += 1) {
    await indexPhoto(url, photos[round % 3]!, 'party', `photo-${round}`).catch(() => undefined);
    await delay(700);
  }
}

interface GrafanaPanel {
  title: string;
  type: string;
  gridPos: { x: number; y: number; w: number; h: number };
  fieldConfig?: { defaults: { unit?: string } };
  targets?: { expr: string; legendFormat: string }[];
}
