import { millisecondsOf } from './duration.ts';
import { REQUEST, type Candidate, type Status, type Step } from '@facepass/contracts/facepass';
import { isSettled, stepsOf, type JobState, type Observation } from './observation.ts';
import { judgeShare } from './share.ts';
import { complete, enter, fail, giveUp, wait, type Draft } from './transitions.ts';

/** Advances the release in progress by one transition at most. */
export function advanceRelease(draft: Draft, observation: Observation): void {
  const { status } = draft;
  const candidate = status.candidate;
  if (!candidate) return;
  if (status.phase === 'RollingBack') return rollBack(draft, observation);
  if (isAborted(candidate, observation)) return fail(draft, observation, 'Aborted', 'requested');
  if (observation.wanted !== candidate.revision)
    return fail(
      draft,
      observation,
      'Superseded',
      `the template is now that of revision ${observation.wanted}`,
      'superseded',
    );
  const refusal = observation.pairs[candidate.revision]?.refusal;
  if (refusal) return fail(draft, observation, 'InvalidTemplate', refusal);
  switch (status.phase) {
    case 'Migrating':
      return migrate(draft, observation);
    case 'Starting':
      return start(draft, observation);
    case 'Testing':
      return smokeTest(draft, observation);
    default:
      return shift(draft, observation, candidate);
  }
}

function isAborted({ number }: Candidate, { spec, annotations }: Observation): boolean {
  return spec.abort || [REQUEST.abort, REQUEST.rollback].some((name) => annotations[name] === String(number));
}

function migrate(draft: Draft, observation: Observation): void {
  const job = observation.spec.migration ? observation.migration : NOTHING_TO_DO;
  if (job.state === 'failed') return fail(draft, observation, 'MigrationFailed', job.message);
  if (job.state !== 'succeeded')
    return waitForJob(draft, observation, job, 'Migrating', 'the migration Job is running');
  if (pauses(draft, observation)) return;
  enter(draft, 'Starting', observation.now);
  wait(draft, 'Starting', 'the pods of the candidate are starting');
}

/** A Job that runs has a time limit of its own; one whose pod does not even start gets as long as other pods. */
function waitForJob(draft: Draft, observation: Observation, job: JobState, reason: string, otherwise: string): void {
  const { now, spec } = observation;
  const isLate = !job.hasStarted && !spec.paused && now > startOf(draft.status) + millisecondsOf(spec.deadlines.ready);
  if (isLate) fail(draft, observation, 'NotReady', `not started within ${spec.deadlines.ready}: ${job.message}`);
  else wait(draft, reason, job.message || otherwise);
}

function start(draft: Draft, observation: Observation): void {
  const { pairs, now, spec } = observation;
  const pair = pairs[draft.status.candidate?.revision ?? ''];
  if (!pair?.full) {
    const message = pair?.message ?? 'the pods of the candidate are being created';
    const isLate = !spec.paused && now > startOf(draft.status) + millisecondsOf(spec.deadlines.ready);
    return isLate
      ? fail(draft, observation, 'NotReady', `not ready within ${spec.deadlines.ready}: ${message}`)
      : wait(draft, 'Starting', message);
  }
  if (pauses(draft, observation)) return;
  enter(draft, 'Testing', now);
  wait(draft, 'Testing', spec.smokeTest ? 'the smoke test is starting' : 'no smoke test is configured');
}

function smokeTest(draft: Draft, observation: Observation): void {
  const { spec, now } = observation;
  const job = spec.smokeTest ? observation.smokeTest : NOTHING_TO_DO;
  if (job.state === 'failed') return fail(draft, observation, 'SmokeTestFailed', job.message);
  if (job.state !== 'succeeded') return waitForJob(draft, observation, job, 'Testing', 'the smoke test is running');
  if (pauses(draft, observation)) return;
  const pair = observation.pairs[draft.status.candidate?.revision ?? ''];
  if (!pair?.full) return wait(draft, 'NotReady', pair?.message ?? 'the pods of the candidate are gone');
  if (!draft.status.active) return complete(draft, observation);
  takeStep(draft, observation, stepsOf(spec)[0], now);
}

/** The traffic moves on by one step when everything that was to be seen at the present one was seen. */
function shift(draft: Draft, observation: Observation, { revision, number }: Candidate): void {
  const { spec, now, pairs, gates } = observation;
  const { status } = draft;
  const pair = pairs[revision];
  status.gates = gates;
  if (!pair?.serving) return fail(draft, observation, 'CandidateNotReady', pair?.message ?? 'its pods are gone');
  const failed = gates.find((gate) => gate.result === 'fail');
  if (failed) return fail(draft, observation, 'GateFailed', `gate ${failed.name}: ${failed.message} (${failed.query})`);
  if (waitsForRoute(draft, observation) || waitsForShare(draft, observation)) return;
  if (pauses(draft, observation)) return;
  const isPromoted = observation.annotations[REQUEST.promote] === String(number);
  if (!isPromoted && (holds(draft, observation) || waitsForGates(draft, observation))) return;
  if (!pair.full) return wait(draft, 'NotReady', pair.message);
  if (status.weight === 100) return complete(draft, observation);
  // By weight: steps edited during a release have other positions in the list.
  const steps = stepsOf(spec);
  takeStep(draft, observation, isPromoted ? steps.at(-1) : steps.find(({ weight }) => weight > status.weight), now);
}

function takeStep(draft: Draft, { spec }: Observation, to: Step | undefined, now: number): void {
  const { status } = draft;
  if (!to || !status.candidate) return;
  const seen = status.gates.map((gate) => `${gate.name} ${gate.message}`).join('; ');
  enter(draft, 'Shifting', now);
  status.step = stepsOf(spec).indexOf(to) + 1;
  status.weight = to.weight;
  status.hold = to.hold;
  status.judgedAt = new Date(now).toISOString();
  wait(draft, 'Hold', `${status.weight} % for ${to.hold}`);
  draft.events.push({
    type: 'Normal',
    reason: 'WeightSet',
    message: `revision ${status.candidate.revision} gets ${status.weight} %${seen && `; at the previous step: ${seen}`}`,
  });
}

function waitsForRoute(draft: Draft, observation: Observation): boolean {
  const { status } = draft;
  const { route, now, spec } = observation;
  if (isSettled(status, route)) {
    delete status.routePendingSince;
    return false;
  }
  status.routePendingSince ??= new Date(now).toISOString();
  const reason = route.unknownKind ? 'NoGatewayApi' : 'RouteNotAccepted';
  const isLate = !spec.paused && now > Date.parse(status.routePendingSince) + millisecondsOf(spec.deadlines.route);
  if (isLate) fail(draft, observation, reason, `not within ${spec.deadlines.route}: ${route.message}`);
  else wait(draft, reason, route.message);
  return true;
}

function waitsForShare(draft: Draft, observation: Observation): boolean {
  const { status } = draft;
  const { counted, now, spec, annotations } = observation;
  if (spec.traffic.mode === 'Selector') return false;
  const share = judgeShare(status.weight, counted, spec.traffic.share);
  if (share.observed === undefined) delete status.observedWeight;
  else status.observedWeight = share.observed;
  status.observedRequests = counted?.total ?? 0;
  if (share.result === 'off') {
    status.shareOffSince ??= new Date(now).toISOString();
    const isLate =
      !spec.paused && now >= Date.parse(status.shareOffSince) + millisecondsOf(spec.traffic.share.deadline);
    if (isLate) fail(draft, observation, 'WeightNotObserved', share.message);
    else wait(draft, 'WeightNotObserved', share.message);
    return true;
  }
  // Too few requests take no doubt away.
  if (share.result === 'near') delete status.shareOffSince;
  const isPromoted = annotations[REQUEST.promote] === String(status.candidate?.number);
  if (share.result === 'near' || isPromoted) return false;
  wait(draft, now < holdEnd(status, observation) ? 'Hold' : 'TooFewRequests', share.message);
  return true;
}

function holds(draft: Draft, observation: Observation): boolean {
  const left = holdEnd(draft.status, observation) - observation.now;
  if (left <= 0) return false;
  wait(
    draft,
    'Hold',
    `${draft.status.weight} % until ${new Date(holdEnd(draft.status, observation)).toISOString().slice(11, 19)}`,
  );
  return true;
}

function waitsForGates(draft: Draft, observation: Observation): boolean {
  const { spec, gates, now } = observation;
  const open = spec.gates.find((gate) => gates.find((one) => one.name === gate.name)?.result !== 'pass');
  if (!open) return false;
  const message = `gate ${open.name}: ${gates.find((one) => one.name === open.name)?.message ?? 'not evaluated yet'}`;
  const late = spec.gates.find(
    (gate) =>
      gate.noData === 'RollBack' &&
      now > holdEnd(draft.status, observation) + millisecondsOf(gate.noDataDeadline) &&
      gates.find((one) => one.name === gate.name)?.result === 'hold',
  );
  if (late) fail(draft, observation, 'GateNoData', `${message}, for ${late.noDataDeadline} after the hold`);
  else wait(draft, 'GateHolds', message);
  return true;
}

/**
 * The traffic leaves the candidate, then the candidate goes; it stays while it alone can serve, or is still being sent
 * requests.
 */
function rollBack(draft: Draft, observation: Observation): void {
  const { status } = draft;
  const { pairs, route, now, spec } = observation;
  const { active, candidate } = status;
  if (!candidate) return;
  const [from, to] = [pairs[candidate.revision], active && pairs[active.revision]];
  if (status.weight > 0 && active && !to?.serving && from?.serving)
    return wait(
      draft,
      'ActiveNotReady',
      `the traffic stays until revision ${active.revision} is ready: ${to?.message ?? 'it has no pods'}`,
    );
  status.weight = 0;
  wait(draft, candidate.verdict?.reason ?? 'RolledBack', candidate.verdict?.message ?? '');
  if (status.step === 0 || !active) return giveUp(draft, now);
  const isQuiet = !from?.serving || from.quiet || spec.traffic.mode === 'Selector';
  if (isSettled(status, route) && isQuiet) return giveUp(draft, now);
  if (now <= startOf(status) + millisecondsOf(spec.deadlines.route)) return;
  // The gateway has accepted a route without the candidate: remaining calls bypass the route.
  if (isSettled(status, route)) {
    draft.events.push({ type: 'Warning', reason: 'CalledPastRoute', message: calledPastRoute(candidate.revision) });
    return giveUp(draft, now);
  }
  if (isQuiet && !route.weights?.[candidate.revision]) return giveUp(draft, now);
  wait(draft, 'TrafficNotMoved', `the candidate still gets requests: ${route.message}`);
}

/** The event's message when a revision without traffic is called. */
export function calledPastRoute(revision: string): string {
  return (
    `revision ${revision} is removed although it still gets requests: not through the route, which sends it none, ` +
    'but through its own Service, the preview Service or the address of a pod'
  );
}

function pauses(draft: Draft, { spec }: Observation): boolean {
  if (spec.paused)
    wait(
      draft,
      'Paused',
      `paused in ${draft.status.phase}${draft.status.weight > 0 ? ` at ${draft.status.weight} %` : ''}`,
    );
  return spec.paused;
}

/** When the hold of the present weight ends, in milliseconds since 1970. */
export function holdEnd(status: Status, { spec }: Pick<Observation, 'spec'>): number {
  const step = stepsOf(spec).find(({ weight }) => weight === status.weight);
  // A step that was taken out of the list keeps the hold that it had.
  return startOf(status) + millisecondsOf(step?.hold ?? status.hold ?? '0s');
}

function startOf({ stepStartedAt }: Status): number {
  return Date.parse(stepStartedAt ?? '');
}

const NOTHING_TO_DO: JobState = { state: 'succeeded', hasStarted: true, message: '' };
