import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { INSTALLED, type Installed } from './installed-objects.ts';

const root = join(import.meta.dirname, '..');
/** The lines of the shell blocks of the runbooks, and of the page about watching. */
const lines = [...globSync('docs/runbooks/*.md', { cwd: root }).sort(), 'docs/observability.md'].flatMap((path) => {
  const blocks = readFileSync(join(root, path), 'utf8').matchAll(/^```sh\n([^]*?)^```/gm);
  return [...blocks]
    .flatMap(([, block = '']) => block.split('\n'))
    .map((line) => ({ page: basename(path, '.md'), line }));
});
/** Each call of kubectl up to its pipe, or the end of its parentheses. */
const calls = lines.flatMap(({ page, line }) =>
  [...line.matchAll(/\bkubectl (?:'[^']*'|"[^"]*"|[^'"|;)])+/g)].map(([call]) => ({ page, call: call.trim() })),
);
const clusterMissing =
  spawnSync('kubectl', ['version', '--request-timeout=3s']).status !== 0 && 'no cluster answers kubectl';

test('a log by a selector is read whole, or says how much of it', () => {
  const logs = calls.filter(({ call }) => /\blogs\b.* (-l|--selector)\b/.test(call));
  assert.ok(logs.length > 8);
  // By a selector kubectl shows ten lines of each pod, even with --since.
  assert.deepEqual(
    logs.filter(({ call }) => !/--tail=(-1|\d+)\b/.test(call)),
    [],
  );
});

test('every selector finds what it is for, in plain and in blue-green mode', () => {
  const selecting = calls.filter(({ call }) => / -l /.test(call));
  assert.ok(selecting.length > 15);
  const misses = selecting.flatMap(({ page, call }) => {
    const wanted = [kindOf(call), selectorOf(call), /\blogs\b.* -c (\S+)/.exec(call)?.[1]] as const;
    const modes =
      call.includes('OPERATOR') || / -A /.test(call) ? ['operator' as const] : (['plain', 'blueGreen'] as const);
    return modes
      .filter(
        (mode) =>
          !INSTALLED[mode].some((one) => isFound(one, ...wanted)) &&
          !(/-c inference/.test(call) && INSTALLED.sidecar.some((one) => isFound(one, ...wanted))),
      )
      .map((mode) => `${page}, ${mode}: ${call}`);
  });
  assert.deepEqual(misses, []);
});

test('a selector of another label, kind or container finds nothing', () => {
  const finds = (kind: string, selector: string, container?: string) =>
    INSTALLED.blueGreen.some((one) => isFound(one, kind, selectorOf(`kubectl get -l ${selector}`), container));
  assert.ok(
    finds('Pod', 'app.kubernetes.io/component=inference', 'inference') &&
      finds('Job', 'app.kubernetes.io/component=migration'),
  );
  assert.ok(
    !finds('Pod', 'app.kubernetes.io/component=engine') &&
      !finds('Job', 'app.kubernetes.io/component=api') &&
      !finds('Pod', 'app.kubernetes.io/component=api', 'inference'),
  );
});

test('no command names an object that only one mode has', () =>
  assert.deepEqual(
    calls.filter(({ call }) => /\b(deploy|deployment|svc|service|job)\/(?!prometheus-operated)/.test(call)),
    [],
  ));

/** Kinds that a cluster may lack, and what `kubectl api-resources` has where it has them. */
const OF_ADD_ONS = {
  facepass: 'facepass',
  podmonitor: 'podmonitor',
  httproute: 'httproute',
  certificate: 'cert-manager.io',
};

test('a cluster understands every command that only reads', { skip: clusterMissing }, (t) => {
  const environment = {
    ...process.env,
    NAMESPACE: process.env['FACEPASS_TEST_NAMESPACE'] ?? 'default',
    OPERATOR_NAMESPACE: process.env['FACEPASS_TEST_NAMESPACE'] ?? 'default',
    NAME: 'faces-facepass',
    account: 'facepass-operator',
  };
  const kinds = spawnSync('kubectl', ['api-resources', '--no-headers'], { encoding: 'utf8' }).stdout;
  const reading = calls.filter(({ call }) => /^kubectl (-n \S+ )?(get|describe|logs|auth can-i) /.test(call));
  assert.ok(reading.length > 20);
  for (const { page, call } of reading) {
    const unknown = Object.entries(OF_ADD_ONS).find(
      ([kind, sign]) => call.includes(kind) && !kinds.includes(sign),
    )?.[0];
    if (unknown !== undefined) t.diagnostic(`not asked, the cluster has no ${unknown}: ${call}`);
    const { status, stdout, stderr } =
      unknown === undefined
        ? spawnSync('sh', ['-c', `${call} --request-timeout=10s`], {
            encoding: 'utf8',
            env: environment,
            maxBuffer: 1 << 28,
          })
        : { status: 0, stdout: '', stderr: '' };
    const nothing =
      /No resources found|NotFound|container inference is not valid|array index out of bounds/.test(stderr) ||
      /^(no|yes)$/.test(stdout.trim());
    assert.ok(status === 0 || nothing, `${page}: ${call}\n${stderr}`);
    if (process.env['FACEPASS_TEST_NAMESPACE'] && unknown === undefined)
      t.diagnostic(`${stdout.length} characters: ${call}`);
  }
});

function isFound(
  { kind, labels, containers }: Installed,
  wantedKind: string,
  selector: Record<string, string[]>,
  container?: string,
): boolean {
  return (
    kind === wantedKind &&
    Object.entries(selector).every(([label, values]) => values.includes(labels[label] ?? '')) &&
    (container === undefined || containers.includes(container))
  );
}

function kindOf(call: string): string {
  const [, verb = '', what = ''] = /\b(get|describe|logs|delete)\s+(\S+)/.exec(call) ?? [];
  const kinds: Record<string, string> = {
    pods: 'Pod',
    deploy: 'Deployment',
    jobs: 'Job',
    service: 'Service',
    endpointslices: 'Service',
    hpa: 'HorizontalPodAutoscaler',
  };
  return verb === 'logs' ? 'Pod' : (kinds[what] ?? what);
}

/** `a=b`, or `'a in (b,c)'`. */
function selectorOf(call: string): Record<string, string[]> {
  const [, quoted, plain] = / -l (?:'([^']*)'|(\S+))/.exec(call) ?? [];
  const [, label = '', several, one] = /^(\S+?)(?: in \(([^)]*)\)|=(\S+))$/.exec(quoted ?? plain ?? '') ?? [];
  return { [label]: several?.split(',') ?? [one ?? ''] };
}
