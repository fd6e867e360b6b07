import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { conditionsOf } from '../../services/operator/decide/conditions.ts';
import type { Observation } from '../../services/operator/decide/observation.ts';
import { releasing, seen, specOf, stable } from '../../services/operator/tests/world.ts';
import type { Status } from '@facepass/contracts/facepass';
import { root } from './cluster.ts';

const page = readFileSync(join(root, 'docs/how-to/gitops.md'), 'utf8');
const lua = ['lua5.4', 'lua5.3', 'lua'].find((name) => !spawnSync(name, ['-v']).error);

/** The page's health check, as Argo CD would run it on this resource. */
function healthOf(status: Status | undefined, spec: object = {}, generation = 1): { status: string; message: string } {
  const [, script = ''] =
    /facepass_Facepass: \|\n((?: {2}.*\n)+)/.exec(page.replace('facepass.dev_', 'facepass_')) ?? [];
  const program = `obj = ${luaOf({ metadata: { generation }, spec, status })}
local health = (function()\n${script}\nend)()
print(health.status)\nprint(health.message)`;
  const { status: code, stdout, stderr } = spawnSync(lua!, ['-'], { input: program, encoding: 'utf8' });
  assert.equal(code, 0, stderr);
  const [health = '', ...message] = stdout.trimEnd().split('\n');
  return { status: health, message: message.join('\n') };
}

test(
  'Argo CD sees a release under way, one that was given up, a pause and rest',
  { skip: lua === undefined && 'no lua on the PATH (Debian: lua5.4)' },
  () => {
    const judged = (status: Status, changes: Partial<Observation> = {}) => ({
      ...status,
      observedGeneration: 1,
      conditions: conditionsOf(status, seen(status, { wanted: 'blue', ...changes })),
    });
    assert.equal(healthOf(undefined).status, 'Progressing');
    assert.equal(healthOf(judged(stable()), {}, 2).status, 'Progressing');
    assert.equal(healthOf(judged(stable())).status, 'Healthy');
    const shifting = judged(releasing('Shifting'), { wanted: 'green' });
    assert.equal(healthOf(shifting).status, 'Progressing');
    assert.equal(healthOf(shifting, { ...specOf(), paused: true }).status, 'Suspended');
    const givenUp = judged({
      ...stable(),
      rejected: { revision: 'green', reason: 'GateFailed', message: 'errors: 3 %' },
    } as Status);
    assert.deepEqual(healthOf(givenUp), { status: 'Degraded', message: 'errors: 3 %' });
    assert.equal(healthOf(judged(stable(), { foreign: 'Service faces-api is not ours' })).status, 'Degraded');
  },
);

/** A value as Lua writes it. */
function luaOf(value: unknown): string {
  if (value === undefined || value === null) return 'nil';
  if (Array.isArray(value)) return `{${value.map(luaOf).join(',')}}`;
  if (typeof value !== 'object') return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, one]) => `[${JSON.stringify(key)}]=${luaOf(one)}`)
    .join(',')}}`;
}
