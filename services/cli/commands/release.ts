import { setTimeout as delay } from 'node:timers/promises';
import { REQUEST, type Facepass } from '@facepass/contracts/facepass';
import { connectReleases } from '../cluster.ts';
import { EXIT, Failure, type ExitCode } from '../failures.ts';
import { drawRelease, lineOf } from '../release-picture.ts';

export interface ReleaseOptions {
  namespace?: string;
  context?: string;
  json?: boolean;
  watch?: boolean;
}

type Verb = 'pause' | 'resume' | 'promote' | 'abort' | 'rollback' | 'retry';

/** `facepass release status`: draws the release; with `watch` until it ends, with exit code 1 if it was given up. */
export async function showRelease(
  name: string | undefined,
  options: ReleaseOptions,
  interrupted: AbortSignal,
): Promise<ExitCode> {
  const releases = connectReleases(options);
  for (let before = ''; ;) {
    const facepass = await releases.read(name);
    const text = options.json
      ? JSON.stringify(facepass.status ?? {})
      : process.stdout.isTTY || !options.watch
        ? drawRelease(facepass, new Date())
        : lineOf(facepass);
    if (text !== before) print(text, options);
    before = text;
    const end = endOf(facepass);
    if (!options.watch) return EXIT.done;
    if (end !== undefined) return end;
    await delay(1000, undefined, { signal: interrupted });
  }
}

/** The other commands of `facepass release`: asks the operator for an action and says what it will do. */
export async function askRelease(verb: Verb, name: string | undefined, options: ReleaseOptions): Promise<ExitCode> {
  const releases = connectReleases(options);
  const facepass = await releases.read(name);
  const { change, sentence } = REQUESTS[verb](facepass);
  if (change) await releases.merge(facepass.metadata.name, change);
  console.log(
    options.json
      ? JSON.stringify({
          name: facepass.metadata.name,
          namespace: releases.namespace,
          requested: change !== undefined,
          message: sentence,
        })
      : sentence,
  );
  return EXIT.done;
}

/** What each command changes in the resource, if anything. @throws Failure refused */
const REQUESTS: Record<Verb, (facepass: Facepass) => { change?: object; sentence: string }> = {
  pause: () => ({
    change: { spec: { paused: true } },
    sentence: 'Paused: the weights stay. Gates still run, and a failing gate still rolls the release back.',
  }),
  resume: () => ({ change: { spec: { paused: null } }, sentence: 'Resumed.' }),
  promote({ status }) {
    const { candidate, active, phase } = status ?? {};
    if (candidate)
      return {
        change: asking('promote', candidate.number),
        sentence: `Promoting ${candidate.revision} to 100 % without waiting; a failing gate still rolls it back.`,
      };
    if (phase === 'Retaining')
      return {
        change: asking('promote', active?.number),
        sentence: `Ending the rollback window: the previous pair is removed, and ${active?.revision} can no longer be rolled back.`,
      };
    throw new Failure(EXIT.refused, 'Nothing to promote: no release is in progress.');
  },
  abort({ status }) {
    const { candidate, active } = status ?? {};
    if (!candidate) return { sentence: 'No release is in progress; nothing changed.' };
    return {
      change: asking('abort', candidate.number),
      sentence: `Aborting ${candidate.revision}: all requests go to ${active?.revision ?? 'nobody'}.`,
    };
  },
  rollback({ status }) {
    const { candidate, active, previous, conditions = [] } = status ?? {};
    if (candidate)
      return {
        change: asking('rollback', candidate.number),
        sentence: `Rolling back ${candidate.revision}: all requests go to ${active?.revision}.`,
      };
    const possible = conditions.find(({ type }) => type === 'RollbackPossible');
    if (possible?.status !== 'True')
      throw new Failure(
        EXIT.refused,
        `Rollback is not possible: ${possible?.message ?? 'no previous revision is kept'}. Release the previous version again (helm rollback).`,
      );
    return {
      change: asking('rollback', active?.number),
      sentence: `Rolling back: all requests go to ${previous?.revision}; no pod restarts.`,
    };
  },
  retry({ status }) {
    if (!status?.rejected) throw new Failure(EXIT.refused, 'Nothing to retry: no release was given up.');
    return {
      change: asking('retry', status.rejected.number),
      sentence: `Releasing ${status.rejected.revision} again.`,
    };
  },
};

function asking(verb: keyof typeof REQUEST, number: number | undefined): object {
  return { metadata: { annotations: { [REQUEST[verb]]: String(number) } } };
}

/** Undefined while a release is in progress or the operator has not seen the newest template. */
function endOf({ metadata, status }: Facepass): ExitCode | undefined {
  if (!status?.phase || status.observedGeneration !== metadata.generation || status.candidate) return undefined;
  if (status.rejected) return EXIT.incomplete;
  return status.conditions?.some(({ type, status: value }) => type === 'Released' && value === 'True')
    ? EXIT.done
    : undefined;
}

function print(text: string, { watch, json }: ReleaseOptions): void {
  const clear = watch && !json && process.stdout.isTTY ? '\u001b[2J\u001b[H' : '';
  console.log(clear + text);
}
