/**
 * Cuts what a PostgreSQL client sends into units that a backend can work off alone: the start-up packet, or all
 * messages up to the Query, Sync, Flush or FunctionCall that asks for an answer.
 * Protocol: https://www.postgresql.org/docs/18/protocol-message-formats.html
 */
export class FrontendMessages {
  #received: Buffer = Buffer.alloc(0);
  #started = false;

  /**
   * Takes bytes in and gives the units that they complete; `endsTurn` is false after a Flush, since a Sync is to
   * follow.
   */
  *take(bytes: Buffer): Generator<FrontendUnit> {
    this.#received = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes]);
    if (!this.#started) yield* this.#takeStart();
    if (!this.#started) return;
    let end = 0;
    for (let at = 0; ; at = end) {
      const length = lengthAt(this.#received, at + 1);
      if (length === null || at + 1 + length > this.#received.length) break;
      end = at + 1 + length;
      const type = String.fromCharCode(this.#received[at] ?? 0);
      if (type === 'X') return yield { kind: 'terminate' };
      if (!'QSHF'.includes(type)) continue;
      yield { kind: 'messages', bytes: this.#received.subarray(0, end), endsTurn: type !== 'H' };
      this.#received = this.#received.subarray(end);
      end = 0;
    }
  }

  *#takeStart(): Generator<FrontendUnit> {
    for (;;) {
      const length = lengthAt(this.#received, 0);
      if (length === null || this.#received.length < length) return;
      const packet = this.#received.subarray(0, length);
      this.#received = this.#received.subarray(length);
      const code = packet.readInt32BE(4);
      if (code === SSL_REQUEST || code === GSS_REQUEST) yield { kind: 'encryption' };
      else if (code === CANCEL_REQUEST) return yield { kind: 'terminate' };
      else {
        this.#started = true;
        return yield { kind: 'messages', bytes: packet, endsTurn: true };
      }
    }
  }
}

export type FrontendUnit =
  | { kind: 'messages'; bytes: Uint8Array; endsTurn: boolean }
  | { kind: 'encryption' }
  | { kind: 'terminate' };

const SSL_REQUEST = 80_877_103;
const GSS_REQUEST = 80_877_104;
const CANCEL_REQUEST = 80_877_102;
const LONGEST_MESSAGE_BYTES = 256 * 1024 * 1024;

function lengthAt(bytes: Buffer, at: number): number | null {
  if (bytes.length < at + 4) return null;
  const length = bytes.readInt32BE(at);
  if (length < 4 || length > LONGEST_MESSAGE_BYTES)
    throw new Error(`a message of ${length} bytes is no PostgreSQL message`);
  return length;
}
