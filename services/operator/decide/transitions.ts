import type { Phase, Status } from '@facepass/contracts/facepass';
import type { Observation } from './observation.ts';
import { millisecondsOf } from './duration.ts';

/** A status in the making. */
export interface Draft {
  status: Status;
  events: ReleaseEvent[];
}

/** An event about a transition; `result` if a release ended. */
export interface ReleaseEvent {
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
  result?: 'succeeded' | 'rolled_back' | 'superseded';
}

/** RFC 3339 with seconds, as Kubernetes writes times. */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** Goes into a phase or step; what was measured in the one before no longer counts. */
export function enter({ status }: Draft, phase: Phase, now: number): void {
  status.phase = phase;
  status.stepStartedAt = new Date(now).toISOString();
  status.gates = [];
  delete status.routePendingSince;
  delete status.shareOffSince;
  delete status.observedWeight;
  delete status.observedRequests;
}

/** Says what the release waits for. */
export function wait({ status }: Draft, reason: string, message: string): void {
  status.reason = reason;
  status.message = message;
}

/** Makes the wanted revision the candidate; an earlier revision that was kept for a rollback goes. */
export function begin(draft: Draft, { wanted, spec, now }: Observation): void {
  const { status } = draft;
  status.release += 1;
  status.candidate = { revision: wanted, number: status.release, model: spec.model?.pack, startedAt: timestamp(now) };
  status.weight = 0;
  status.step = 0;
  delete status.rejected;
  delete status.previous;
  enter(draft, 'Migrating', now);
  wait(draft, 'Migrating', `release ${status.release}: revision ${wanted}`);
  draft.events.push({
    type: 'Normal',
    reason: 'ReleaseStarted',
    message: `release ${status.release} of revision ${wanted}${status.active ? `, replacing ${status.active.revision}` : ''}`,
  });
}

/** Decides that the candidate goes; the traffic goes back first. */
export function fail(
  draft: Draft,
  { now, pairs }: Observation,
  reason: string,
  message: string,
  result: 'rolled_back' | 'superseded' = 'rolled_back',
): void {
  const { status } = draft;
  if (!status.candidate) return;
  const gates = status.gates;
  status.candidate.verdict = { reason, message, at: timestamp(now), result };
  enter(draft, 'RollingBack', now);
  status.gates = gates;
  if (!status.active || pairs[status.active.revision]?.serving) status.weight = 0;
  wait(draft, reason, message);
  draft.events.push({
    type: result === 'rolled_back' ? 'Warning' : 'Normal',
    reason,
    message: `release ${status.candidate.number} of revision ${status.candidate.revision} is abandoned: ${message}`,
  });
}

/** Ends a release that was given up: its candidate is no more. */
export function giveUp(draft: Draft, now: number): void {
  const { status } = draft;
  const { candidate } = status;
  if (!candidate?.verdict) return;
  const { revision, number, startedAt } = candidate;
  const { reason, message, result, at } = candidate.verdict;
  remember(status, { revision, number, result, reason, message, startedAt, finishedAt: timestamp(now) });
  if (result === 'rolled_back') status.rejected = { revision, number, reason, message, at };
  delete status.candidate;
  settle(draft, now, 'Stable');
  wait(draft, reason, message);
  draft.events.push({
    type: 'Normal',
    reason: 'RolledBack',
    message: `release ${number} ended: ${status.active ? `revision ${status.active.revision} has all the traffic` : 'nothing serves yet'}`,
    result,
  });
}

/** The candidate becomes the active revision; the earlier one is kept for its window. */
export function complete(draft: Draft, { spec, now }: Observation): void {
  const { status } = draft;
  const { candidate, active } = status;
  if (!candidate) return;
  const { revision, number, model, startedAt } = candidate;
  remember(status, {
    revision,
    number,
    result: 'succeeded',
    reason: 'Succeeded',
    message: '',
    startedAt,
    finishedAt: timestamp(now),
  });
  if (active) status.previous = { ...active, until: timestamp(now + millisecondsOf(spec.rollback.window)) };
  status.active = { revision, number, model, since: timestamp(now) };
  delete status.candidate;
  settle(draft, now, active ? 'Retaining' : 'Stable');
  wait(draft, active ? 'Retaining' : 'Stable', `revision ${revision} has all the traffic`);
  draft.events.push({
    type: 'Normal',
    reason: 'ReleaseSucceeded',
    message: `release ${number}: revision ${revision} has all the traffic`,
    result: 'succeeded',
  });
}

function settle(draft: Draft, now: number, phase: Phase): void {
  draft.status.weight = 0;
  draft.status.step = 0;
  enter(draft, phase, now);
}

function remember(status: Status, entry: Status['history'][number]): void {
  status.history = [entry, ...status.history].slice(0, 10);
}
