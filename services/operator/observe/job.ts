import type { KubernetesObject } from '../kubernetes/cluster.ts';
import type { JobState } from '../decide/observation.ts';
import { troubleOf, type Pod } from './pair.ts';

export interface Job extends KubernetesObject {
  status?: { conditions?: { type: string; status: string; reason?: string; message?: string }[]; failed?: number };
}

/** How far the Job of that name is, with the last words of its pods. */
export function jobStateOf(
  jobs: Job[],
  pods: Pod[],
  name: string,
  refusals: Map<string, string>,
  noPod: string | null = null,
): JobState {
  const refusal = refusals.get(name);
  if (refusal) return { state: 'failed', hasStarted: false, message: refusal };
  const job = jobs.find((one) => one.metadata.name === name);
  if (!job) return { state: 'absent', hasStarted: false, message: '' };
  const isSet = (type: string) => job.status?.conditions?.find((one) => one.type === type && one.status === 'True');
  if (isSet('Complete')) return { state: 'succeeded', hasStarted: true, message: '' };
  const failed = isSet('Failed');
  const own = podsOf(name, pods);
  const words = lastWords(own);
  if (failed)
    return { state: 'failed', hasStarted: true, message: `${failed.reason ?? 'Failed'}${words && `: ${words}`}` };
  const hasStarted = own.some(isStarted);
  const trouble = troubleOf(own) || (own.length === 0 ? (noPod ?? '') : '');
  const waits = trouble && `the Job ${name} waits: ${trouble}`;
  return { state: 'running', hasStarted, message: waits || (words && `the Job ${name} is retried: ${words}`) };
}

/** The pods that a Job has made and that are still there. */
export function podsOf(job: string, pods: Pod[]): Pod[] {
  return pods.filter((pod) => pod.metadata.labels?.['batch.kubernetes.io/job-name'] === job);
}

/** Whether its image was there and its container ran, whatever came of it. */
function isStarted({ status }: Pod): boolean {
  return (status?.containerStatuses ?? []).some(({ state }) => state?.running ?? state?.terminated);
}

/** The end of what the container that ended last wrote; the API keeps at most 2,048 bytes of it. */
function lastWords(pods: Pod[]): string {
  const ends = pods
    .flatMap((pod) => pod.status?.containerStatuses?.map((one) => one.state?.terminated) ?? [])
    .filter((end) => end !== undefined && end.exitCode !== 0);
  const last = ends.sort((a, b) => Date.parse(b?.finishedAt ?? '') - Date.parse(a?.finishedAt ?? ''))[0];
  if (!last) return '';
  const lines = (last.message ?? '')
    .trim()
    .split('\n')
    .filter((line) => !/^\s*(at |Node\.js v|\^|$)/.test(line))
    .map(messageOf);
  return `exit code ${last.exitCode}${lines.length > 0 ? `: ${lines.slice(-3).join(' / ').slice(-600)}` : ''}`;
}

/** Of a JSON log line what it says to people; any other line as it is. */
function messageOf(line: string): string {
  try {
    return (JSON.parse(line) as { msg?: string }).msg ?? line;
  } catch {
    return line;
  }
}
