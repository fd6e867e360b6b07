import type { Condition, Status } from '@facepass/contracts/facepass';
import { isSettled, weightsOf, type Observation } from './observation.ts';
import { rollbackHindrance } from './idle.ts';
import { judgeShare } from './share.ts';
import { timestamp } from './transitions.ts';

type Judgement = Pick<Condition, 'status' | 'reason' | 'message'>;

/** The conditions of a status; the time of one changes only with its status. */
export function conditionsOf(status: Status, observation: Observation): Condition[] {
  const judgements: Record<string, Judgement> = {
    Ready: ready(status, observation),
    Released: released(status, observation),
    Progressing: progressing(status, observation),
    RouteAccepted: routeAccepted(status, observation),
    WeightObserved: weightObserved(status, observation),
    GatesPassing: gatesPassing(status, observation),
    RollbackPossible: rollbackPossible(status, observation),
    ObjectsOwned: objectsOwned(observation),
    Reconciling: reconciling(status, observation),
    Stalled: stalled(status, observation),
  };
  return Object.entries(judgements).map(([type, judgement]) => {
    const before = status.conditions.find((one) => one.type === type);
    const lastTransitionTime =
      before?.status === judgement.status ? before.lastTransitionTime : timestamp(observation.now);
    return { type, ...judgement, observedGeneration: observation.generation, lastTransitionTime };
  });
}

function objectsOwned({ foreign }: Observation): Judgement {
  return foreign === null
    ? { status: 'True', reason: 'Owned', message: 'no object with these names belongs to another owner' }
    : { status: 'False', reason: 'NotOwned', message: foreign };
}

/** kstatus, and with it Flux and Argo CD's health check, take a resource for settled once this is False. */
function reconciling(status: Status, { wanted, spec }: Observation): Judgement {
  const { candidate, active, rejected, reason, message } = status;
  const isWaiting = active?.revision !== wanted && !rejected && !spec.abort;
  return candidate || isWaiting ? { status: 'True', reason, message } : { status: 'False', reason: 'Settled', message };
}

/** kstatus takes a resource for failed while this is True. */
function stalled({ candidate, rejected }: Status, { foreign, refused }: Observation): Judgement {
  if (!candidate && rejected) return { status: 'True', reason: rejected.reason, message: rejected.message };
  if (refused) return { status: 'True', ...refused };
  if (foreign !== null) return { status: 'True', reason: 'NotOwned', message: foreign };
  return { status: 'False', reason: 'NotStalled', message: 'not stalled' };
}

function ready(status: Status, { pairs }: Observation): Judgement {
  const revisions = Object.keys(weightsOf(status));
  if (revisions.length === 0)
    return { status: 'False', reason: 'NothingServes', message: 'no revision gets traffic yet' };
  const unready = revisions.find((revision) => !pairs[revision]?.serving);
  if (unready)
    return {
      status: 'False',
      reason: 'NotReady',
      message: `revision ${unready}: ${pairs[unready]?.message ?? 'it has no pods'}`,
    };
  return { status: 'True', reason: 'Serving', message: revisions.join(' and ') };
}

function released({ active, candidate, reason, message }: Status, { wanted }: Observation): Judgement {
  if (!candidate && active?.revision === wanted)
    return { status: 'True', reason: 'Released', message: `revision ${wanted} has all the traffic` };
  return { status: 'False', reason, message };
}

function progressing({ candidate, phase, reason, message }: Status, { spec }: Observation): Judgement {
  if (!candidate) return { status: 'False', reason, message };
  return { status: spec.paused && phase !== 'RollingBack' ? 'False' : 'True', reason, message };
}

function routeAccepted(status: Status, { spec, route }: Observation): Judgement {
  if (spec.traffic.mode === 'Selector')
    return {
      status: 'True',
      reason: 'Selector',
      message: 'a Service selector switches from 0 to 100; there are no weights in between',
    };
  if (!status.active) return { status: 'Unknown', reason: 'NothingServes', message: 'no route yet' };
  if (isSettled(status, route)) return { status: 'True', reason: 'Accepted', message: route.message };
  return { status: 'False', reason: route.unknownKind ? 'NoGatewayApi' : 'RouteNotAccepted', message: route.message };
}

function weightObserved(status: Status, { spec, counted }: Observation): Judgement {
  if (status.phase !== 'Shifting' || spec.traffic.mode === 'Selector')
    return { status: 'Unknown', reason: 'NothingToObserve', message: 'no weights are being shifted' };
  const { result, message } = judgeShare(status.weight, counted, spec.traffic.share);
  if (result === 'off') return { status: 'False', reason: 'WeightNotObserved', message };
  return result === 'near'
    ? { status: 'True', reason: 'Observed', message }
    : { status: 'Unknown', reason: 'TooFewRequests', message };
}

function gatesPassing({ phase, gates }: Status, { spec }: Observation): Judgement {
  if (spec.gates.length === 0) return { status: 'Unknown', reason: 'NoGates', message: 'no gate is configured' };
  if (phase !== 'Shifting' && phase !== 'RollingBack')
    return { status: 'Unknown', reason: 'NothingToJudge', message: 'gates are evaluated only while traffic shifts' };
  const worst = gates.find((gate) => gate.result === 'fail') ?? gates.find((gate) => gate.result === 'hold');
  if (worst)
    return {
      status: worst.result === 'fail' ? 'False' : 'Unknown',
      reason: worst.result === 'fail' ? 'GateFailed' : 'GateHolds',
      message: `${worst.name}: ${worst.message}`,
    };
  return gates.length === 0
    ? { status: 'Unknown', reason: 'GateHolds', message: 'not evaluated yet' }
    : { status: 'True', reason: 'GatesPass', message: gates.map((gate) => gate.name).join(', ') };
}

function rollbackPossible(status: Status, observation: Observation): Judgement {
  const hindrance = rollbackHindrance(status, observation);
  if (hindrance) return { status: 'False', ...hindrance };
  const to = status.candidate ? status.active?.revision : status.previous?.revision;
  return { status: 'True', reason: 'Possible', message: to ? `to revision ${to}` : 'the candidate can be rolled back' };
}
