/**
 * Milliseconds of a duration as the resource's schema allows it: `90s`, `5m`, `1h30m`. @throws RangeError for anything
 * else.
 */
export function millisecondsOf(duration: string): number {
  const parts = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(duration);
  if (!parts || duration === '') throw new RangeError(`not a duration: ${duration}`);
  const [hours, minutes, seconds] = parts.slice(1).map((part) => Number(part ?? 0)) as [number, number, number];
  return ((hours * 60 + minutes) * 60 + seconds) * 1000;
}
