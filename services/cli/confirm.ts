import { createInterface } from 'node:readline/promises';
import { EXIT, Failure } from './failures.ts';

/**
 * Asks whether to erase `what` for good.
 * @throws Failure unless the answer is yes, or where nobody can answer
 */
export async function confirmErasure(what: string): Promise<void> {
  if (!process.stdin.isTTY)
    throw new Failure(EXIT.usage, `Refusing to erase ${what} without confirmation; pass --yes.`);
  using terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`Erase ${what} permanently? [y/N] `);
  if (!/^y(es)?$/i.test(answer.trim())) throw new Failure(EXIT.interrupted, 'Nothing was erased.');
}
