import { randomUUID } from 'node:crypto';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { now } from './model.ts';

/** The API looks at its file twice a second. */
const NOTICED_MS = 3000;

/** The file of the API's keys: one key is valid at a time. */
export class Keys implements Disposable {
  readonly path: string;
  current = newKey();
  /** The one before, which is refused by now. */
  former = newKey();
  private readonly directory = mkdtempSync(join(tmpdir(), 'facepass-soak-keys-'));
  private since = -Infinity;

  constructor() {
    this.path = join(this.directory, 'keys');
    this.write();
  }

  rotate(): void {
    this.former = this.current;
    this.current = newKey();
    this.since = now();
    this.write();
  }

  /** Whether a call that began then may find either key valid; an API that is broken learns of the change later. */
  isChanging(began: number): boolean {
    return began < this.since + NOTICED_MS;
  }

  private write(): void {
    writeFileSync(`${this.path}.new`, `photographer:${this.current}:index+delete\n`);
    renameSync(`${this.path}.new`, this.path);
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function newKey(): string {
  return `fp_soak_${randomUUID().replaceAll('-', '')}`;
}
