import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { availableCores } from './cores.ts';

test('a cgroup v2 quota below the affinity is the limit, rounded down', () => {
  const system = systemWith({ 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/cpu.max': '250000 100000\n' });
  assert.equal(availableCores(system, 16), 2);
});

test('the strictest of the nested cgroup v2 quotas counts', () => {
  const system = systemWith({
    'proc/self/cgroup': '0::/kubepods/pod7\n',
    'sys/fs/cgroup/kubepods/pod7/cpu.max': 'max 100000\n',
    'sys/fs/cgroup/kubepods/cpu.max': '300000 100000\n',
  });
  assert.equal(availableCores(system, 16), 3);
});

test('a cgroup v1 quota counts, and -1 is no quota', () => {
  const v1 = {
    'proc/self/cgroup': '5:memory:/\n4:cpu,cpuacct:/job\n',
    'sys/fs/cgroup/cpu/job/cpu.cfs_period_us': '50000\n',
  };
  assert.equal(availableCores(systemWith({ ...v1, 'sys/fs/cgroup/cpu/job/cpu.cfs_quota_us': '200000\n' }), 16), 4);
  assert.equal(availableCores(systemWith({ ...v1, 'sys/fs/cgroup/cpu/job/cpu.cfs_quota_us': '-1\n' }), 16), 16);
});

test('half a core is one worker, and no cgroup at all leaves the affinity', () => {
  const half = systemWith({ 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/cpu.max': '50000 100000\n' });
  assert.equal(availableCores(half, 16), 1);
  assert.equal(availableCores(systemWith({}), 8), 8);
});

function systemWith(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'facepass-cores-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}
