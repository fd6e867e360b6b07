import {
  Metadata,
  ServerInterceptingCall,
  status,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
} from '@grpc/grpc-js';
import { LOW_PRIORITY, PRIORITY_HEADER, RETRY_AFTER_TRAILER, TIME_LIMIT_TRAILER } from '@facepass/contracts/trailers';
import { judge, type Load } from './admission.ts';
import type { InferenceEvents } from './metrics.ts';

export interface Admission {
  interceptor: ServerInterceptor;
  /** Settles when no admitted call is left. */
  drained(): Promise<void>;
}

/**
 * Lets calls of one method in or refuses them, and counts how they end. It stands before nice-grpc because there a
 * call is first seen with its whole photo in memory; here a refusal costs its headers.
 */
export function createAdmission(context: {
  /** For example `/facepass.inference.v1.FaceAnalysis/DetectFaces`. */
  methodPath: string;
  serving(): boolean;
  load(): Omit<Load, 'open'>;
  events: Pick<InferenceEvents, 'callRefused' | 'callEnded'>;
}): Admission {
  let open = 0;
  let onDrained = () => {};
  return {
    interceptor: (method, call) =>
      method.path === context.methodPath ? intercept(call) : new ServerInterceptingCall(call),
    drained: () => new Promise((resolve) => (open === 0 ? resolve() : (onDrained = resolve))),
  };

  function intercept(call: ServerInterceptingCallInterface): ServerInterceptingCall {
    let admitted = false;
    let code: status | undefined;
    let receiveLimit: NodeJS.Timeout | undefined;
    const end = (result: { code: status; details: string; metadata?: Metadata }) =>
      call.sendStatus({ ...result, code: (code = result.code) });
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata(metadata, forward) {
            const refusal = refusalOf(call, metadata.get(PRIORITY_HEADER)[0] === LOW_PRIORITY);
            if (refusal) return end(refusal);
            admitted = true;
            open += 1;
            receiveLimit = setTimeout(
              () =>
                end({
                  code: status.DEADLINE_EXCEEDED,
                  details: `The photo did not arrive within ${RECEIVE_LIMIT_MS} ms.`,
                  metadata: trailerOf(TIME_LIMIT_TRAILER, `${RECEIVE_LIMIT_MS} ms to arrive`),
                }),
              RECEIVE_LIMIT_MS,
            );
            forward(metadata);
          },
          onReceiveMessage(message, forward) {
            clearTimeout(receiveLimit);
            forward(message);
          },
          /** grpc-js calls this at the end of every call, whatever its end. */
          onCancel() {
            clearTimeout(receiveLimit);
            context.events.callEnded(
              status[code ?? (remainingMs(call) <= DEADLINE_LEAD_MS ? status.DEADLINE_EXCEEDED : status.CANCELLED)],
            );
            if (admitted && --open === 0) onDrained();
          },
        }),
      sendStatus(result, next) {
        code = result.code;
        next(result);
      },
    });
  }

  function refusalOf(
    call: ServerInterceptingCallInterface,
    yields: boolean,
  ): { code: status; details: string; metadata?: Metadata } | null {
    if (!context.serving()) {
      context.events.callRefused('not_serving');
      return { code: status.UNAVAILABLE, details: 'The server is starting or stopping.' };
    }
    const refusal = judge({ ...context.load(), open }, remainingMs(call), yields);
    if (!refusal) return null;
    context.events.callRefused(refusal.reason);
    const metadata = trailerOf(RETRY_AFTER_TRAILER, String(refusal.retryAfterMs));
    return { code: status.RESOURCE_EXHAUSTED, details: refusal.message, metadata };
  }
}

function trailerOf(name: string, value: string): Metadata {
  const metadata = new Metadata();
  metadata.set(name, value);
  return metadata;
}

/** Time that a caller without a deadline has for its upload, so that a stalled one does not keep its place. */
const RECEIVE_LIMIT_MS = 30_000;

/**
 * The caller's clock began before ours: at its deadline it leaves before we are there, one time in six on one machine.
 */
const DEADLINE_LEAD_MS = 50;

function remainingMs(call: ServerInterceptingCallInterface): number {
  return Number(call.getDeadline()) - Date.now();
}
