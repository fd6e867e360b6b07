/** The part of WebAssembly that `heic.ts` uses: neither the types of Node nor the ES library describe it. */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Instance {
    constructor(module: Module, imports: Imports);
    readonly exports: Record<string, unknown>;
  }
  class Memory {
    readonly buffer: ArrayBuffer;
    grow: (pages: number) => number;
  }
  type Imports = Record<string, Record<string, unknown>>;
}
