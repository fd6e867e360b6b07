/** The caller has gone: the work was given up between two runs of a network. */
export class Abandoned extends Error {
  override name = 'Abandoned';
}

/**
 * Called before each run of a network, which cannot be interrupted.
 * @throws Abandoned when `abandoned` says that nobody waits for the answer any more.
 */
export function stopIfAbandoned(abandoned: (() => boolean) | undefined): void {
  if (abandoned?.()) throw new Abandoned('the caller no longer waits for this photo');
}
