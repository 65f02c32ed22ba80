import { Transform } from "node:stream";

const NEWLINE = 0x0a;
const DATA_BEGINS = /^COPY .* FROM stdin;$/;
const DATA_ENDS = Buffer.from("\\.");

/**
 * Statements of a plain dump that name a role: the roles of another stack are not here, and what is restored belongs
 * to whoever restores it. pg_dump writes each on a line of its own.
 */
const NAMES_A_ROLE = /^(ALTER .* OWNER TO .*;|GRANT .*;|REVOKE .*;|ALTER DEFAULT PRIVILEGES .*;)$/;

/** No statement that names a role is longer; rows of memories may be. */
const LONGEST = 4096;

/** Leaves out what a plain dump says about owners and privileges; rows pass as they are, whatever they contain. */
export function withoutOwners(): Transform {
  let rest: Buffer = Buffer.alloc(0);
  let inData = false;
  const passes = (line: Buffer): boolean => {
    if (inData) {
      inData = !line.equals(DATA_ENDS);
      return true;
    }
    if (line.length > LONGEST) return true;
    const text = line.toString("latin1");
    inData = DATA_BEGINS.test(text);
    return !NAMES_A_ROLE.test(text);
  };
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const all = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const kept: Buffer[] = [];
      let from = 0;
      for (let end = all.indexOf(NEWLINE); end !== -1; end = all.indexOf(NEWLINE, from)) {
        if (passes(all.subarray(from, end))) kept.push(all.subarray(from, end + 1));
        from = end + 1;
      }
      rest = all.subarray(from);
      done(null, Buffer.concat(kept));
    },
    flush(done) {
      done(null, rest.length > 0 && passes(rest) ? rest : undefined);
    },
  });
}
