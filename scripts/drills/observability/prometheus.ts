import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import { freePort } from '../../local/services.ts';

const RULES = join(import.meta.dirname, '../../../alerts/facepass.rules.yaml');

/** Why there is no Prometheus here, or false. */
export const prometheusMissing = spawnSync('prometheus', ['--version']).error
  ? 'prometheus is not on the PATH (Debian: prometheus)'
  : false;

export interface Target {
  job: 'facepass-api' | 'facepass-inference' | 'facepass-indexer' | 'facepass-migration';
  port: number;
  labels: Record<string, string>;
}

export interface Series {
  metric: Record<string, string>;
  value: number;
}

/** A Prometheus that scrapes and evaluates each second. */
export interface Prometheus extends AsyncDisposable {
  url: string;
  /** From now on scrapes these. */
  setTargets(targets: Target[]): Promise<void>;
  query(expr: string): Promise<Series[]>;
  queryRange(
    expr: string,
    startSeconds: number,
    endSeconds: number,
    stepSeconds: number,
  ): Promise<{ metric: Record<string, string>; values: [number, number][] }[]>;
  /** Alerts that are pending or firing. */
  alerts(): Promise<{ name: string; state: string; labels: Record<string, string>; description: string }[]>;
}

/**
 * Starts Prometheus with the rules of alerts/.
 * @param speed divides every window and `for` of the rules, so that an hour's alert can be seen in minutes.
 */
export async function startPrometheus(speed = 1): Promise<Prometheus> {
  const directory = await mkdtemp(join(tmpdir(), 'facepass-prometheus-'));
  const port = await freePort(0);
  await writeFile(join(directory, 'rules.yaml'), await fasterRules(speed));
  await writeFile(join(directory, 'targets.json'), '[]');
  await writeFile(join(directory, 'prometheus.yml'), stringify(configuration()));
  const child = spawn(
    'prometheus',
    [
      `--config.file=${directory}/prometheus.yml`,
      `--storage.tsdb.path=${directory}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--enable-feature=exemplar-storage',
      '--query.lookback-delta=5s',
      '--log.level=error',
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  const url = `http://127.0.0.1:${port}`;
  while (
    !(await fetch(`${url}/-/ready`).then(
      (response) => response.ok,
      () => false,
    ))
  )
    await delay(50);
  const get = async <Data>(path: string, parameters: Record<string, string> = {}) => {
    const answer = (await (await fetch(`${url}/api/v1/${path}?${new URLSearchParams(parameters)}`)).json()) as {
      status: string;
      error?: string;
      data: Data;
    };
    if (answer.status !== 'success') throw new Error(`${parameters['query']}: ${answer.error}`);
    return answer.data;
  };
  return {
    url,
    async setTargets(targets) {
      const text = JSON.stringify(
        targets.map(({ job, port: metricsPort, labels }) => ({
          targets: [`127.0.0.1:${metricsPort}`],
          labels: { job, namespace: 'photos', ...labels },
        })),
      );
      // In one move: Prometheus may read at any time.
      await writeFile(join(directory, 'targets.new'), text);
      await rename(join(directory, 'targets.new'), join(directory, 'targets.json'));
    },
    async query(expr) {
      const { result } = await get<{ result: { metric: Record<string, string>; value: [number, string] }[] }>('query', {
        query: expr,
      });
      return result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
    },
    async queryRange(expr, start, end, step) {
      const { result } = await get<{ result: { metric: Record<string, string>; values: [number, string][] }[] }>(
        'query_range',
        { query: expr, start: String(start), end: String(end), step: String(step) },
      );
      return result.map(({ metric, values }) => ({ metric, values: values.map(([at, value]) => [at, Number(value)]) }));
    },
    async alerts() {
      const { alerts } = await get<{
        alerts: { labels: Record<string, string>; state: string; annotations: Record<string, string> }[];
      }>('alerts');
      return alerts.map(({ labels, state, annotations }) => ({
        name: labels['alertname'] ?? '',
        state,
        labels,
        description: annotations['description'] ?? '',
      }));
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function configuration(): object {
  return {
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    rule_files: ['rules.yaml'],
    scrape_configs: [{ job_name: 'facepass', file_sd_configs: [{ files: ['targets.json'], refresh_interval: '1s' }] }],
  };
}

/** The rules of alerts/ as YAML, every window and `for` divided by `speed`. */
export async function fasterRules(speed: number): Promise<string> {
  return stringify(accelerate(parse(await readFile(RULES, 'utf8')) as Rules, speed));
}

function accelerate({ groups }: Rules, speed: number): Rules {
  const faster = (duration: string) => `${Math.max(3, Math.round(secondsOf(duration) / speed))}s`;
  return {
    groups: groups.map((group) => ({
      ...group,
      rules: group.rules.map((rule) => ({
        ...rule,
        expr:
          speed === 1
            ? rule.expr
            : rule.expr.replaceAll(/\[(\w+)\]/g, (_whole, window: string) => `[${faster(window)}]`),
        ...(rule.for ? { for: speed === 1 ? rule.for : faster(rule.for) } : {}),
      })),
    })),
  };
}

function secondsOf(duration: string): number {
  const [, count, unit] = /^(\d+)([smhd])$/.exec(duration) ?? [];
  return Number(count) * { s: 1, m: 60, h: 3600, d: 86_400 }[unit as 's' | 'm' | 'h' | 'd'];
}

interface Rules {
  groups: { name: string; rules: { expr: string; for?: string }[] }[];
}
