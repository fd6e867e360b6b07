import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { exemplarLabels } from '@facepass/runtime/exposition';

const root = join(import.meta.dirname, '../..');
const { services, configs } = parse(readFileSync(join(root, 'compose.yaml'), 'utf8'), { merge: true }) as Compose;
const prometheus = parse(configs['prometheus']!.content) as PrometheusConfiguration;
const promtoolMissing =
  spawnSync('promtool', ['--version']).error && 'promtool is not on the PATH (Debian: prometheus)';

test(
  'promtool accepts the Prometheus configuration of compose.yaml, with the rules that are mounted',
  { skip: promtoolMissing },
  () => {
    const [source = '', target = ''] = services['prometheus']!.volumes![0]!.split(':');
    assert.deepEqual(prometheus.rule_files, [target]);
    const path = join(mkdtempSync(join(tmpdir(), 'facepass-')), 'prometheus.yml');
    writeFileSync(path, configs['prometheus']!.content.replace(target, join(root, source)));
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'config', path], { encoding: 'utf8' });
    assert.equal(status, 0, stdout + stderr);
    assert.match(stdout, /1 rule files found/);
  },
);

test('every file and folder that compose.yaml mounts is there, and every config that it names', () => {
  const mounts = Object.values(services).flatMap(({ volumes = [] }) =>
    volumes.filter((volume) => volume.startsWith('.')),
  );
  assert.equal(mounts.length, 2);
  assert.deepEqual(
    mounts.filter((mount) => !existsSync(join(root, mount.split(':')[0]!))),
    [],
  );
  assert.deepEqual(
    Object.values(services)
      .flatMap((one) => one.configs ?? [])
      .filter(({ source }) => !(source in configs)),
    [],
  );
});

test('Prometheus scrapes each of our processes under the name that the rules know, on a port that is open', () => {
  const scraped = prometheus.scrape_configs.map(({ job_name, static_configs, dns_sd_configs }) => [
    job_name,
    ...(static_configs?.flatMap(({ targets }) => targets) ??
      dns_sd_configs!.flatMap(({ names, port }) => names.map((name) => `${name}:${port}`))),
  ]);
  assert.deepEqual(scraped, [
    ['facepass-api', 'api:9464'],
    ['facepass-indexer', 'indexer:9464'],
    ['facepass-inference', 'inference:9464'],
    ['facepass-migration', 'migration:9464'],
  ]);
  // The API, the indexer and the inference server listen on 9464 without being told.
  assert.equal(services['migration']!.environment!['METRICS_PORT'], '9464');
});

test('Prometheus keeps what the dashboards look back for', () => {
  const [, days = '0'] =
    /--storage\.tsdb\.retention\.time=(\d+)d/.exec(services['prometheus']!.command!.join(' ')) ?? [];
  const longest = [...readFileSync(join(root, 'dashboards/service.json'), 'utf8').matchAll(/\[(\d+)d\]/g)].map(
    ([, window]) => Number(window),
  );
  assert.ok(longest.length > 0 && Number(days) > Math.max(...longest), `${days} days`);
});

test('the dots on the panels lead to traces: exemplars are kept, and their label leads to the data source to which the processes send', () => {
  const { datasources } = parse(configs['grafana-datasource']!.content) as { datasources: DataSource[] };
  const destinations =
    datasources.find(({ type }) => type === 'prometheus')?.jsonData?.exemplarTraceIdDestinations ?? [];
  assert.deepEqual(
    destinations.map(({ name }) => name),
    ['trace_id'],
  );
  assert.match(exemplarLabels.toString(), /trace_id/);
  const traces = datasources.find(({ uid }) => uid === destinations[0]!.datasourceUid);
  const host = new URL(traces!.url).hostname;
  assert.ok(host in services && services['prometheus']!.command!.includes('--enable-feature=exemplar-storage'));
  for (const name of ['api', 'inference'])
    assert.equal(new URL(services[name]!.environment!['OTEL_EXPORTER_OTLP_ENDPOINT']!).hostname, host);
});

test('Grafana is given the folder in which the dashboards are', () => {
  const { providers } = parse(configs['grafana-dashboards']!.content) as { providers: { options: { path: string } }[] };
  const mounted = services['grafana']!.volumes!.map((volume) => volume.split(':'));
  for (const { options } of providers) {
    const [source = ''] = mounted.find(([, target]) => target === options.path) ?? [];
    assert.ok(existsSync(join(root, source, 'service.json')), options.path);
  }
});

interface Compose {
  services: Record<
    string,
    {
      command?: string[];
      environment?: Record<string, string>;
      volumes?: string[];
      configs?: { source: string; target: string }[];
    }
  >;
  configs: Record<string, { content: string }>;
}

interface PrometheusConfiguration {
  rule_files: string[];
  scrape_configs: {
    job_name: string;
    static_configs?: { targets: string[] }[];
    dns_sd_configs?: { names: string[]; port: number }[];
  }[];
}

interface DataSource {
  type: string;
  uid: string;
  url: string;
  jsonData?: { exemplarTraceIdDestinations: { name: string; datasourceUid: string }[] };
}
