import { readFileSync } from "node:fs";
import { Duplex, Readable, type Transform } from "node:stream";
import { Decrypter, Encrypter } from "age-encryption";
import { Problem } from "../../base/problem.ts";

/** Encrypts to age recipients (`age1...`) while the bytes flow. */
export function encrypting(recipients: readonly string[]): Duplex {
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  return through((plain) => encrypter.encrypt(plain));
}

/**
 * Decrypts with an age identity while the bytes flow.
 *
 * @param identity the text of an identity file: a line `AGE-SECRET-KEY-1...`, comments and blank lines beside it
 * @throws (from the stream) when the file was encrypted for somebody else, or was changed
 */
export function decrypting(identity: string): Duplex {
  const decrypter = new Decrypter();
  for (const line of identity.split("\n").map((text) => text.trim())) {
    if (line !== "" && !line.startsWith("#")) decrypter.addIdentity(line);
  }
  return through((secret) => decrypter.decrypt(secret));
}

/** The text of an identity file. */
export function readIdentity(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new Problem("the identity file cannot be read", { where: file, cause });
  }
  if (!/^AGE-SECRET-KEY-/m.test(text)) {
    throw new Problem("the file holds no age identity", {
      where: file,
      mend: "it needs a line that begins with AGE-SECRET-KEY-1; age-keygen makes one",
    });
  }
  return text;
}

/** The library's streams are the web's; a failure on either side ends both. */
function through(
  convert: (input: ReadableStream<Uint8Array>) => Promise<ReadableStream<Uint8Array>>,
): Duplex {
  return Duplex.from(async function* (source: AsyncIterable<Buffer>) {
    const input = Readable.toWeb(Readable.from(source, { objectMode: false })) as ReadableStream<Uint8Array>;
    yield* (await convert(input)) as unknown as AsyncIterable<Uint8Array>;
  }) as unknown as Transform;
}
