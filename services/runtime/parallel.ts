/**
 * Runs `work` on each of `items`, at most `limit` at a time, and yields the results as they end.
 * @throws what `work` throws first; what is under way then goes on unheard
 */
export async function* inParallel<Item, Result>(
  items: Iterable<Item>,
  limit: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const waiting = items[Symbol.iterator]();
  const underWay = new Map<number, Promise<[number, Result]>>();
  let begun = 0;
  const fill = () => {
    while (underWay.size < limit) {
      const next = waiting.next();
      if (next.done) return;
      const number = begun++;
      const running = work(next.value).then((result): [number, Result] => [number, result]);
      running.catch(() => undefined);
      underWay.set(number, running);
    }
  };
  fill();
  while (underWay.size > 0) {
    const [number, result] = await Promise.race(underWay.values());
    underWay.delete(number);
    fill();
    yield result;
  }
}
