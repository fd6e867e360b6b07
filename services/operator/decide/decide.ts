import { conditionsOf } from './conditions.ts';
import { millisecondsOf } from './duration.ts';
import type { Spec, Status } from '@facepass/contracts/facepass';
import { stepsOf, type JobState, type Observation } from './observation.ts';
import { advanceRelease, holdEnd } from './release.ts';
import { rest } from './idle.ts';
import { timestamp, type Draft, type ReleaseEvent } from './transitions.ts';

/**
 * From what is, to what shall be: the next status, and what to tell. Pure; at most one transition a call, so that every
 * state between two is written down before anything is done about it. What follows from a status for the cluster's
 * objects is `desiredObjects`.
 */
export function decide(observation: Observation): { status: Status; events: ReleaseEvent[] } {
  const draft: Draft = { status: structuredClone(observation.status), events: [] };
  keepPause(draft, observation);
  keepHold(draft, observation);
  adopt(draft, observation);
  if (draft.status.candidate) advanceRelease(draft, observation);
  else rest(draft, observation);
  describe(draft.status, observation);
  return draft;
}

/** The clock of a step stands still while the resource is paused. */
function keepPause({ status }: Draft, { spec, now }: Observation): void {
  if (spec.paused) {
    status.pausedAt ??= timestamp(now);
    return;
  }
  if (!status.pausedAt) return;
  const paused = now - Date.parse(status.pausedAt);
  if (status.stepStartedAt) status.stepStartedAt = timestamp(Date.parse(status.stepStartedAt) + paused);
  if (status.previous) status.previous.until = timestamp(Date.parse(status.previous.until) + paused);
  delete status.pausedAt;
  delete status.routePendingSince;
  delete status.shareOffSince;
}

/**
 * A hold counts while somebody looks: the time in which no operator led is added to it. Without this a candidate whose
 * hold went by unwatched was promoted by the first look after it.
 */
function keepHold({ status }: Draft, { spec, now }: Observation): void {
  if (status.phase !== 'Shifting') {
    delete status.judgedAt;
    return;
  }
  const unwatched = now - Date.parse(status.judgedAt ?? timestamp(now)) - LONGEST_LOOK_MS;
  status.judgedAt = new Date(now).toISOString();
  if (unwatched <= 0 || spec.paused || !status.stepStartedAt) return;
  status.stepStartedAt = new Date(Date.parse(status.stepStartedAt) + unwatched).toISOString();
  delete status.routePendingSince;
  delete status.shareOffSince;
}

/** Between two looks: a slow Prometheus and pods that do not answer take so long. */
const LONGEST_LOOK_MS = 15_000;

/**
 * A resource that was deleted with its objects left in place, or restored without its status, goes on with what serves.
 */
function adopt({ status, events }: Draft, { served, pairs, now }: Observation): void {
  if (status.active || status.candidate || !served || !pairs[served]) return;
  status.active = { revision: served, number: status.release, since: timestamp(now) };
  events.push({ type: 'Normal', reason: 'Adopted', message: `revision ${served} already serves` });
}

/** Fields that only mirror the rest, for people, columns and metrics. */
function describe(status: Status, observation: Observation): void {
  const { spec, generation } = observation;
  status.observedGeneration = generation;
  status.trafficMode = spec.traffic.mode;
  if (observation.schemaVersion !== undefined) status.schemaVersion = observation.schemaVersion;
  status.steps = stepsOf(spec).length;
  status.stepText = status.phase === 'Shifting' ? `${status.step}/${status.steps}` : '-';
  const deadline = deadlineOf(status, observation);
  if (deadline === null) delete status.stepDeadline;
  else status.stepDeadline = timestamp(deadline);
  status.conditions = conditionsOf(status, observation);
}

/** The deadline of the current step, in milliseconds since 1970; null while nothing is, or it is paused. */
function deadlineOf(status: Status, observation: Observation): number | null {
  const { spec } = observation;
  if (!status.candidate || !status.stepStartedAt || spec.paused) return null;
  const start = Date.parse(status.stepStartedAt);
  switch (status.phase) {
    case 'Migrating':
      return start + jobTime(observation.migration, spec.migration?.activeDeadlineSeconds, spec);
    case 'Starting':
      return start + millisecondsOf(spec.deadlines.ready);
    case 'Testing':
      return start + jobTime(observation.smokeTest, spec.smokeTest?.activeDeadlineSeconds, spec);
    case 'Shifting':
      return (
        holdEnd(status, observation) +
        Math.max(...[LONGEST_WAIT, ...spec.gates.map((gate) => gate.noDataDeadline)].map(millisecondsOf))
      );
    case 'RollingBack':
      return start + millisecondsOf(spec.deadlines.route);
    default:
      return null;
  }
}

function jobTime({ hasStarted }: JobState, limitSeconds = 0, { deadlines }: Spec): number {
  return hasStarted ? limitSeconds * 1000 : Math.min(limitSeconds * 1000, millisecondsOf(deadlines.ready));
}

/** A step without gates is stuck when it lasts so much longer than its hold. */
const LONGEST_WAIT = '5m';
