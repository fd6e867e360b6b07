/** A remaining time in words, from a count and a rate per second; empty while there is no rate to go by. */
export function timeLeft(count: number, perSecond: number): string {
  if (perSecond <= 0) return '';
  const seconds = count / perSecond;
  const rate = `${perSecond >= 10 ? Math.round(perSecond) : perSecond.toFixed(1)} photos per second`;
  if (seconds < 5) return `${rate}, almost done`;
  if (seconds < 90) return `${rate}, about ${Math.ceil(seconds / 5) * 5} s left`;
  if (seconds < 5400) return `${rate}, about ${Math.round(seconds / 60)} min left`;
  return `${rate}, about ${Math.round(seconds / 3600)} h left`;
}
