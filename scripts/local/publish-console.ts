import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** Each start builds the pages into a folder of its own: two at once must not empty each other's. */
export const OWN_BUILD = `dist-${process.pid}`;

/** Replaces the pages in `folder` by this process's build, and deletes builds whose processes were killed. */
export function publishConsole(folder: string): void {
  const build = join(folder, OWN_BUILD);
  const pages = join(folder, 'dist');
  while (existsSync(build)) {
    unless('ENOENT', () => renameSync(pages, `${build}-previous`));
    rmSync(`${build}-previous`, { recursive: true, force: true });
    // Another start may have put its pages there meanwhile.
    unless('ENOTEMPTY', () => renameSync(build, pages));
  }
  for (const name of readdirSync(folder)) {
    const processId = /^dist-(\d+)/.exec(name)?.[1];
    if (processId && !isRunning(Number(processId))) rmSync(join(folder, name), { recursive: true, force: true });
  }
}

function isRunning(processId: number): boolean {
  return unless('ESRCH', () => process.kill(processId, 0));
}

/** Whether `act` succeeds, or fails with the error `code`. @throws any other error. */
function unless(code: string, act: () => void): boolean {
  try {
    act();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === code) return false;
    throw error;
  }
}
