import { setTimeout as delay } from 'node:timers/promises';
import { connectReleases } from '../cluster.ts';
import { EXIT, Failure, type ExitCode } from '../failures.ts';
import { drawRelease, lineOf, type Facepass } from '../release-picture.ts';

export interface ReleaseOptions {
  namespace?: string;
  context?: string;
  json?: boolean;
  watch?: boolean;
}

type Verb = 'pause' | 'resume' | 'promote' | 'abort' | 'rollback' | 'retry';

/** `facepass release status`: the release as a picture; with `watch` until it is over: 1 if it was given up. */
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

/** The other commands of `facepass release`: asks the operator for something, and says what it will do. */
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

/** What each command changes in the resource; nothing where there is nothing to do. @throws Failure refused */
const REQUESTS: Record<Verb, (facepass: Facepass) => { change?: object; sentence: string }> = {
  pause: () => ({
    change: { spec: { paused: true } },
    sentence: 'Paused: the weights stay. Gates go on watching: one that fails still takes the release back.',
  }),
  resume: () => ({ change: { spec: { paused: null } }, sentence: 'Resumed.' }),
  promote({ status }) {
    const { candidate, active, phase } = status ?? {};
    if (candidate)
      return {
        change: asking('promote', candidate.number),
        sentence: `${candidate.revision} goes on to 100 % without waiting; a gate that fails still takes it back.`,
      };
    if (phase === 'Retaining')
      return {
        change: asking('promote', active?.number),
        sentence: `The window ends: the earlier pair is taken down, and ${active?.revision} can no longer be rolled back.`,
      };
    throw new Failure(EXIT.refused, 'There is nothing to promote: no release is under way.');
  },
  abort({ status }) {
    const { candidate, active } = status ?? {};
    if (!candidate) return { sentence: 'No release is under way; nothing was changed.' };
    return {
      change: asking('abort', candidate.number),
      sentence: `${candidate.revision} is taken back: all requests go to ${active?.revision ?? 'nobody'}.`,
    };
  },
  rollback({ status }) {
    const { candidate, active, previous, conditions = [] } = status ?? {};
    if (candidate)
      return {
        change: asking('rollback', candidate.number),
        sentence: `${candidate.revision} is taken back: all requests go to ${active?.revision}.`,
      };
    const possible = conditions.find(({ type }) => type === 'RollbackPossible');
    if (possible?.status !== 'True')
      throw new Failure(
        EXIT.refused,
        `It cannot be rolled back: ${possible?.message ?? 'no earlier revision is kept'}. Release the earlier version anew (helm rollback).`,
      );
    return {
      change: asking('rollback', active?.number),
      sentence: `All requests go back to ${previous?.revision}; no pod is restarted.`,
    };
  },
  retry({ status }) {
    if (!status?.rejected) throw new Failure(EXIT.refused, 'There is nothing to try again: no release was given up.');
    return {
      change: asking('retry', status.rejected.number),
      sentence: `${status.rejected.revision} is released once more.`,
    };
  },
};

function asking(verb: Verb, number: number | undefined): object {
  return { metadata: { annotations: { [`facepass.dev/${verb}`]: String(number) } } };
}

/** Undefined while something is under way, or the operator has not seen the newest template. */
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
