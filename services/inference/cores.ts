import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

/**
 * CPU cores this process may keep busy, at least 1: the smaller of the CPU affinity and the cgroup's quota. A quota of
 * 2.5 counts as 2, since the half is needed by the thread that speaks gRPC.
 * Node 24.21 (libuv 1.52) looks for the v1 controller `cpu,` only: under a quota of half a core in a hierarchy that
 * mounts `cpu` by itself, its availableParallelism() still told both cores of the machine.
 * @param systemRoot folder that holds `proc` and `sys`; tests give their own.
 */
export function availableCores(systemRoot = '/', affinity = availableParallelism()): number {
  return Math.max(1, Math.floor(Math.min(affinity, cgroupQuota(systemRoot))));
}

/**
 * CPUs' worth of time granted by cgroup v2 or v1, the strictest of the process's group and its parents; Infinity
 * without a limit.
 */
function cgroupQuota(systemRoot: string): number {
  const groups = readLines(join(systemRoot, 'proc/self/cgroup')).map((line) => line.split(':'));
  const quotas = groups.flatMap(([, controllers = '', path = '/']) => {
    if (controllers === '') return withParents(path).map((group) => quotaV2(join(systemRoot, 'sys/fs/cgroup', group)));
    if (!controllers.split(',').includes('cpu')) return [];
    return withParents(path).map((group) => quotaV1(join(systemRoot, 'sys/fs/cgroup/cpu', group)));
  });
  return Math.min(Infinity, ...quotas);
}

/** `cpu.max`: "quota period" or "max period", in microseconds. */
function quotaV2(folder: string): number {
  const [quota, period] = (readLines(join(folder, 'cpu.max'))[0] ?? 'max').split(' ');
  return quota === 'max' ? Infinity : Number(quota) / Number(period);
}

function quotaV1(folder: string): number {
  const quota = Number(readLines(join(folder, 'cpu.cfs_quota_us'))[0] ?? -1);
  const period = Number(readLines(join(folder, 'cpu.cfs_period_us'))[0] ?? 100_000);
  return quota > 0 ? quota / period : Infinity;
}

/** `/a/b` gives `/a/b`, `/a` and `/`. */
function withParents(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '');
  return [...parts.keys()].map((index) => `/${parts.slice(0, index + 1).join('/')}`).concat('/');
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').trim().split('\n');
  } catch {
    return [];
  }
}
